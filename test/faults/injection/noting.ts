// Loaded by a server before its program (`--import`): writes down what each command to MongoDB shows of its origin.
import { appendFileSync } from 'node:fs';
import mongoose from 'mongoose';
import { COMMANDS_FILE, lookInto } from './commands.js';

const file = process.env[COMMANDS_FILE] as string;
const { MongoClient } = mongoose.mongo;
type Client = InstanceType<typeof MongoClient>;

const noted = new WeakSet<Client>();
// oxlint-disable-next-line typescript/unbound-method
const connect = MongoClient.prototype.connect;

MongoClient.prototype.connect = function connectNoted(this: Client): Promise<Client> {
  if (!noted.has(this)) {
    noted.add(this);
    Object.assign(this, { monitorCommands: true });
    this.on('commandStarted', ({ commandName, command }) => {
      appendFileSync(file, `${JSON.stringify(lookInto(commandName, command))}\n`);
    });
  }
  return connect.call(this);
};
