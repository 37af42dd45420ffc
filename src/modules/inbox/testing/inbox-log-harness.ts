import type { InboxLog } from '../inbox-log.js';

/** A store made for one test. */
export interface OpenInboxLog {
  readonly log: InboxLog;
  /** Another adapter on the same store, as another server node has it. */
  readonly second: () => Promise<InboxLog>;
  /** Closes all adapters and opens the store anew. */
  readonly reopen: () => Promise<InboxLog>;
  /** Lets the store do now whatever it puts off: what can be observed must not change. */
  readonly tidy: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Opens an empty store. */
export type InboxLogHarness = () => Promise<OpenInboxLog>;

/** Runs one test on a store of its own. */
export function withLog(open: InboxLogHarness, test: (opened: OpenInboxLog) => Promise<void>): () => Promise<void> {
  return async () => {
    const opened = await open();
    try {
      await test(opened);
    } finally {
      await opened.close();
    }
  };
}

/** Runs a test twice: on a store that put its work off, and on one that did it. */
export function bothWays(open: InboxLogHarness): ReadonlyArray<readonly [string, InboxLogHarness]> {
  const tidied: InboxLogHarness = async () => {
    const opened = await open();
    return { ...opened, log: tidyAfterEach(opened.log, () => opened.tidy()) };
  };
  return [
    ['as written', open],
    ['tidied after each insert', tidied],
  ];
}

function tidyAfterEach(log: InboxLog, tidy: () => Promise<void>): InboxLog {
  return new Proxy(log, {
    get(target, name) {
      if (name !== 'insert') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (rows: Parameters<InboxLog['insert']>[0]) => {
        const outcome = await target.insert(rows);
        await tidy();
        return outcome;
      };
    },
  });
}
