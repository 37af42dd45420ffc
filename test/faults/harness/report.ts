/** What a row counted, what it measured, and where it fell short. */
export class Report {
  readonly counts: string[] = [];
  readonly figures: string[] = [];
  readonly shortcomings: string[] = [];
  readonly schedule: string[] = [];

  get holds(): boolean {
    return this.shortcomings.length === 0;
  }

  count(amount: number, of: string): void {
    this.counts.push(`${amount.toLocaleString('en')} ${of}`);
  }

  atMost(what: string, value: number, bound: number, unit: string = ''): void {
    this.measured(what, value, `≤ ${bound}`, unit, value <= bound);
  }

  /**
   * How long others waited. In the short form it is told and not judged: there the families are played beside each
   * other, wherever changes are tried, and a neighbour of the machine would decide.
   */
  latency(what: string, ms: number, bound: number, short: boolean): void {
    if (short) this.note(`${what} ${ms.toFixed(1)} ms`);
    else this.atMost(what, ms, bound, 'ms');
  }

  atLeast(what: string, value: number, bound: number, unit: string = ''): void {
    this.measured(what, value, `≥ ${bound}`, unit, value >= bound);
  }

  exactly(what: string, value: number, bound: number): void {
    this.measured(what, value, `= ${bound}`, '', value === bound);
  }

  holdsThat(what: string, is: boolean): void {
    if (!is) this.shortcomings.push(`not: ${what}`);
  }

  /** A figure without a bound. */
  note(what: string): void {
    this.figures.push(what);
  }

  private measured(what: string, value: number, bound: string, unit: string, ok: boolean): void {
    const shown = `${what} ${Number.isInteger(value) ? value : value.toFixed(1)}${unit && ` ${unit}`} (${bound})`;
    this.figures.push(shown);
    if (!ok) this.shortcomings.push(shown);
  }
}
