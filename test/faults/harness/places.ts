import { fileURLToPath } from 'node:url';

/** Of the project; this file runs from the folder of compiled files. */
export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
export const PROGRAM = `${ROOT}bin/allspark.js`;
export const CLIENTS = fileURLToPath(new URL('../clients/main.js', import.meta.url));
export const CHECKER = fileURLToPath(new URL('../checker/main.js', import.meta.url));
