import { z } from 'zod';
import {
  clusterVariables,
  connectionVariables,
  frameVariables,
  healthVariables,
  httpVariables,
  inboxVariables,
  keyVariables,
  rateVariables,
  storeLimitVariables,
} from './limit-variables.js';
import { addressVariables, authVariables, processVariables, storeVariables } from './server-variables.js';
import { variableFacts, type VariableFacts } from './variable.js';

const groups = {
  Addresses: addressVariables,
  'Keys and secrets': { ...authVariables, ...keyVariables },
  'This process': processVariables,
  Store: { ...storeVariables, ...storeLimitVariables },
  'Connections and shutdown': connectionVariables,
  'Websocket frames': frameVariables,
  Rates: rateVariables,
  HTTP: httpVariables,
  'Inboxes, clients, sessions': inboxVariables,
  Watermarks: healthVariables,
  'Cluster: links and heartbeats': clusterVariables,
};

/** The one schema: text by variable in, typed values out. */
export const settingsSchema = z.object({
  ...addressVariables,
  ...authVariables,
  ...keyVariables,
  ...processVariables,
  ...storeVariables,
  ...storeLimitVariables,
  ...connectionVariables,
  ...frameVariables,
  ...rateVariables,
  ...httpVariables,
  ...inboxVariables,
  ...healthVariables,
  ...clusterVariables,
});

export type Settings = z.output<typeof settingsSchema>;
export type VariableName = keyof Settings;

export interface Variable extends VariableFacts {
  readonly name: VariableName;
  readonly group: string;
}

export const variables: readonly Variable[] = Object.entries(groups).flatMap(([group, members]) =>
  Object.entries(members).map(([name, schema]) => ({ name: name as VariableName, group, ...factsOf(name, schema) })),
);

const byName = new Map<string, Variable>(variables.map((variable) => [variable.name, variable]));

export const findVariable = (name: string): Variable | undefined => byName.get(name);

export function variableOf(name: VariableName): Variable {
  const variable = byName.get(name);
  if (variable === undefined) throw new Error(`${name} stands in no group of settings`);
  return variable;
}

export const fileName = (name: string): string => `${name}_FILE`;

export const flagName = (name: string): string => `--${name.toLowerCase().replaceAll('_', '-')}`;

/** Every name that may be set: the variables, and NAME_FILE for those that may be read from a file. */
export const settableNames: readonly string[] = variables.flatMap(({ name, fromFile }) =>
  fromFile === true ? [name, fileName(name)] : [name],
);

function factsOf(name: string, schema: z.ZodType): VariableFacts {
  const facts = variableFacts.get(schema);
  if (facts === undefined) throw new Error(`${name} has no description`);
  return facts;
}
