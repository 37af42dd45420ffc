import http from 'node:http';
import https from 'node:https';

/** A live process of this machine or the next answers at once; nobody's start waits longer for a dead one. */
const WAIT_MS = 1_000;
const MOST_CHARACTERS = 1_000;

/**
 * Asks `/livez` which run answers at a base URL, by its boot id; undefined when nobody does, or no server node. Never
 * rejects. Whose certificate it is does not matter: nothing is told there, and nothing else is believed.
 */
export function runAt(baseUrl: string, waitMs = WAIT_MS): Promise<string | undefined> {
  const client = baseUrl.startsWith('https:') ? https : http;
  return new Promise((resolve) => {
    const options = { agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(waitMs) };
    const request = client.get(`${baseUrl}/livez`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text = (text + part).slice(0, MOST_CHARACTERS);
      });
      response.on('end', () => resolve(bootIdIn(text)));
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
  });
}

function bootIdIn(text: string): string | undefined {
  try {
    const { boot_id: bootId } = JSON.parse(text) as { boot_id?: unknown };
    return typeof bootId === 'string' ? bootId : undefined;
  } catch {
    return undefined;
  }
}
