// Ends with 0 when the server node of this container takes connections (/readyz answers 200), else with 1 and the reason.
import { request as overHttp } from 'node:http';
import { request as overTls } from 'node:https';

const TIMEOUT_MS = 4_000;
const { PORT = '8080', TLS_CERT_FILE } = process.env;

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

const ask = TLS_CERT_FILE ? overTls : overHttp;
// Its own certificate is not made for this address, and it is not judged here.
const target = { host: '127.0.0.1', port: PORT, path: '/readyz', timeout: TIMEOUT_MS, rejectUnauthorized: false };
const asked = ask(target, (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (text) => void (body += text));
  response.on('end', () => (response.statusCode === 200 ? process.exit(0) : fail(`${response.statusCode} ${body}`)));
});
asked.on('timeout', () => fail(`no answer within ${TIMEOUT_MS} ms`));
asked.on('error', (error) => fail(error.message));
asked.end();
