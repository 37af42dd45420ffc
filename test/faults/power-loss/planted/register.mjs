import { register } from 'node:module';

// Given to a server by --import: plants in its store what no setting can, as PLANTED says (JSON: { lmdb, store }).
register('./hooks.mjs', import.meta.url, { data: JSON.parse(process.env.PLANTED ?? '{}') });
