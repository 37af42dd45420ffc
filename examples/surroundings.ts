import { AllsparkClient, type ClientOptions } from '@allspark/client';
import { WebSocket } from 'ws';

/** Base URL of a running server. */
export const url = process.env['ALLSPARK_URL'] ?? 'http://localhost:8080';

/** An auth key for a node. Your backend signs these after its own login; here `allspark token make` did. */
function keyOf(node: string): string {
  const key = process.env[`${node.toUpperCase()}_KEY`];
  if (!key) throw new Error(`set ${node.toUpperCase()}_KEY: npx allspark token make ${node}`);
  return key;
}

export async function connect(node: string, options: Partial<ClientOptions> = {}): Promise<AllsparkClient> {
  const client = new AllsparkClient({ url, authKey: keyOf(node), WebSocket, ...options });
  await client.connect();
  return client;
}
