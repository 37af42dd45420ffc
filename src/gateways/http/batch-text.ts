import { endOfString } from '../../protocol/index.js';

const QUOTE = 34;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** A batch's text without what is inside the elements of its array. */
export interface BatchText {
  /** The text with `{}` in place of every object and array that is an element. */
  readonly skeleton: string;
  /** What was cut out, as it stands in the text, in its order. It need not be valid JSON. */
  readonly cut: readonly string[];
}

/**
 * Cuts a text of the form `{"messages":[…]}` into its elements by counting brackets. Each element can then be judged by
 * itself: a broken or too deep one spoils no other, and the whole is never parsed.
 */
export function cutBatch(text: string): BatchText {
  const cut: string[] = [];
  let skeleton = '';
  let kept = 0;
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (depth === 2) start = at;
      depth += 1;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth !== 2) continue;
      cut.push(text.slice(start, at + 1));
      skeleton += `${text.slice(kept, start)}{}`;
      kept = at + 1;
    }
  }
  return { skeleton: skeleton + text.slice(kept), cut };
}
