import {
  isAddressRange,
  isBaseUrl,
  isHost,
  isMongoUri,
  isOrigin,
  isPublicKey,
  isWebAddress,
  parseHostPort,
} from './text-forms.js';
import {
  choice,
  count,
  list,
  optionalPem,
  optionalText,
  portNumber,
  requiredText,
  secret,
  toggle,
} from './variable.js';

const SECRET_BYTES = 32;
const notEmpty = (value: string): boolean => value.trim() !== '';
const isLongSecret = (value: string): boolean => Buffer.byteLength(value) >= SECRET_BYTES;

const path = { unit: 'path', wanted: 'the path of a file that can be read', accepts: notEmpty } as const;

export const addressVariables = {
  HOST_ADDRESS: requiredText(
    {
      about: 'Host name or IP address that is given to clients',
      unit: 'host',
      wanted: 'a host name or IP address, without scheme and port',
      accepts: isHost,
    },
    'localhost',
  ),
  LISTEN_ADDRESS: optionalText({
    about: 'IP address or host name that the public listener binds',
    unit: 'host',
    wanted: 'an IP address or host name of this machine, without port',
    accepts: isHost,
    whenUnset: '127.0.0.1 while HOST_ADDRESS is not set either, else 0.0.0.0 (all)',
  }),
  PORT: portNumber(
    8080,
    'Port of the public listener (HTTP and websocket)',
    'takes a free one, the ready line says which',
  ),
  PROXY_80_PORT: optionalText({
    about: 'Public host name at which a proxy forwards port 80 to this server node',
    unit: 'host',
    wanted: 'a host name or IP address, without scheme and port',
    accepts: isHost,
    whenUnset: 'there is no such proxy',
  }),
  PUBLIC_URL: optionalText({
    about: 'Base URL of this server node behind a proxy, wins over host and TLS',
    unit: 'url',
    wanted: 'an http:// or https:// address without user, query and fragment',
    accepts: isBaseUrl,
    whenUnset: 'made of TLS, HOST_ADDRESS and PORT',
  }),
  INTERNAL_ADDRESS: optionalText({
    about: 'Where other server nodes reach this one',
    unit: 'host:port',
    wanted: 'host:port, an IPv6 address in brackets',
    accepts: (value) => (parseHostPort(value)?.port ?? 0) > 0,
    whenUnset: 'the public listener',
  }),
  METRICS_ADDRESS: optionalText({
    about: 'Own listener for /metrics that asks for no key; port 0 takes a free one',
    unit: 'host:port',
    wanted: 'host:port, an IPv6 address in brackets',
    accepts: (value) => parseHostPort(value) !== undefined,
    whenUnset: '/metrics is served by the public listener to app and admin keys only',
  }),
  TLS_CERT_FILE: optionalText({
    ...path,
    about: 'PEM file with the certificate chain of the public listener; a new one is taken within 5 s',
    whenUnset: 'plain HTTP',
  }),
  TLS_KEY_FILE: optionalText({
    ...path,
    about: 'PEM file with the private key of the certificate',
    whenUnset: 'plain HTTP',
  }),
  TRUSTED_PROXIES: list({
    about: 'Proxies whose X-Forwarded-For is believed',
    unit: 'comma-separated list',
    wanted: 'IP addresses or ranges (10.0.0.0/8) between commas, or none',
    accepts: isAddressRange,
    whenUnset: 'none',
  }),
  ALLOWED_ORIGINS: list({
    about: 'Web origins that browsers may connect from (websocket and CORS)',
    unit: 'comma-separated list',
    wanted: 'origins as browsers send them (https://app.example.com: lower case, no path) between commas, or none',
    accepts: isOrigin,
    whenUnset: 'the own base URL and http://localhost:PORT',
  }),
};

export const authVariables = {
  AUTH_SECRET: secret({
    about: 'Shared secret that auth keys are signed with (HS256)',
    unit: 'text',
    wanted: `at least ${SECRET_BYTES} bytes`,
    accepts: isLongSecret,
    whenUnset: 'without any auth key the first start makes one in DATA_DIR',
  }),
  AUTH_PUBLIC_KEY: optionalPem({
    about: 'Public key that auth keys are verified with; its kind fixes the algorithm (RS256, ES256 or EdDSA)',
    unit: 'PEM',
    wanted: 'a PEM public key: RSA of 2048 bits or more, EC P-256 or Ed25519',
    accepts: isPublicKey,
    whenUnset: 'not used',
    fromFile: true,
  }),
  AUTH_JWKS_URI: optionalText({
    about: 'Address of a JWK Set that auth keys are verified with',
    unit: 'url',
    wanted: 'an http:// or https:// address without user and fragment',
    accepts: isWebAddress,
    whenUnset: 'not used',
  }),
  AUTH_KEYS_FILE: optionalText({
    ...path,
    about:
      'File with a JWK Set, each key with kid and alg, that auth keys are verified with; two live at once for rotation, and a change is taken within 5 s',
    whenUnset: 'not used',
  }),
  AUTH_ISSUER: optionalText({
    about: 'Issuer (iss) that every auth key must carry',
    unit: 'text',
    wanted: 'the text of the iss claim',
    accepts: notEmpty,
    whenUnset: 'iss is not looked at',
  }),
  AUTH_DIRECT: toggle('on', 'Websockets may open with an auth key; off forces the pre-connection step'),
  LINK_SECRET: secret({
    about: 'Shared secret of the server nodes of one cluster',
    unit: 'text',
    wanted: `at least ${SECRET_BYTES} bytes`,
    accepts: isLongSecret,
    whenUnset: 'the first start makes one in DATA_DIR',
  }),
  LINK_CA_FILE: optionalText({
    ...path,
    about: 'PEM file with the certificate authority of the other server nodes',
    whenUnset: 'the authorities that Node.js trusts',
  }),
};

export const processVariables = {
  NODES: count(
    'server nodes',
    1,
    'Server nodes that start runs on this host, each a process; their ports follow each other from PORT on',
    { max: 64 },
  ),
  CONFIG_FILE: optionalText({
    ...path,
    about: 'File with settings in the form of this one; flags and environment win over it',
    whenUnset: 'no file is read',
  }),
  LOG_LEVEL: choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'The least important messages that are logged, on standard error',
  ),
  FORCE: toggle('off', 'Takes over the address of a server node that is thought to be alive, without asking it'),
  PRESENCE: choice(
    ['client', 'all', 'none'],
    'client',
    'Who is told that a node is offline: nodes of the same client and apps, all, none',
  ),
  ALLOW_UNKNOWN_DESTINATIONS: toggle('off', 'Messages to nodes that were never seen are stored instead of refused'),
};

export const storeVariables = {
  DATA_DIR: requiredText(
    {
      about: 'Directory of the embedded store and of the secrets that the first start makes',
      unit: 'path',
      wanted: 'the path of a directory',
      accepts: notEmpty,
    },
    './data',
  ),
  MONGODB_URI: secret({
    about: 'Connection string of the MongoDB replica set; may hold a password',
    unit: 'url',
    wanted: 'a mongodb:// or mongodb+srv:// address',
    accepts: isMongoUri,
    whenUnset: 'the embedded store in DATA_DIR',
  }),
};
