import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const COLLECT_MS = 2_000;

// This file is not part of the harness's own process: a server whose memory is weighed loads it before its program.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(collect, COLLECT_MS).unref();
