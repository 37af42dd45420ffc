import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { EXIT } from './cli/exit-codes.js';

/** What stands behind `--` is kept away from the parser, which would mix it with the settings. */
const dashesAt = process.argv.includes('--') ? process.argv.indexOf('--') : process.argv.length;
const given = process.argv.slice(0, dashesAt);
const behindDashes = process.argv.slice(dashesAt);

/** Who calls which server: the same options for every command that is a client. */
function asClient(command: Command): Command {
  return command
    .option('--url <url>', 'base URL of any server node (default: from the settings, http://localhost:8080)')
    .option('--as <node>', 'sign a key for this node with the secret of the settings')
    .option('--client <id>', 'the client that the node belongs to, in a key signed here')
    .option('--role <role>', 'node, app or admin, in a key signed here', 'node')
    .option('--key <auth key>', 'use this auth key instead (or the variable ALLSPARK_KEY)')
    .option('--json', 'one JSON object a line')
    .allowUnknownOption()
    .allowExcessArguments();
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('wanted: a whole number');
  return value;
}

/** Each command's code is loaded when it runs, so that help is there at once. */
export function program(): Command {
  const allspark = new Command('allspark')
    .description('Allspark, a realtime messaging server: a message arrives, or it waits, or somebody is told.')
    .version('0.1.0')
    .showHelpAfterError('(try: allspark --help)')
    .enablePositionalOptions()
    .exitOverride();
  addServerCommands(allspark);
  addClientCommands(allspark);
  addSessionCommands(allspark.command('session').description('groups of nodes with one ordered log'));
  addKeyCommands(allspark);
  return allspark;
}

function addServerCommands(allspark: Command): void {
  allspark
    .command('start')
    .usage('[settings]')
    .description('run a server node; every setting is a flag too: --port 8081 (start --help lists them)')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_options, command: Command) =>
      leave(async () => {
        const wantsHelp = command.args.some((word) => word === '--help' || word === '-h');
        if (wantsHelp) return (await import('./cli/start-help.js')).startHelp();
        return (await import('./cli/start.js')).start(all(command));
      }),
    );
  allspark
    .command('doctor')
    .description('look at what the server needs: Node, port, store, file descriptors, clock')
    .option('--json', 'one JSON object a line')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/doctor.js')).doctor(options, all(command))),
    );
  const config = allspark.command('config').description('the settings, as start would see them');
  for (const [name, what] of [
    ['check', 'tell what is wrong with them'],
    ['print', 'show each with where it comes from; secrets are not shown'],
  ] as const) {
    config
      .command(name)
      .description(what)
      .option('--json', 'machine readable')
      .allowUnknownOption()
      .allowExcessArguments()
      .action((options, command: Command) =>
        leave(async () => (await import('./cli/config.js')).config(name, options, all(command))),
      );
  }
  allspark
    .command('store')
    .description('the data of the embedded store')
    .command('new-epoch')
    .description('after restoring a backup: tell every client that history may be missing')
    .option('--json', 'machine readable')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/store.js')).newEpoch(options, all(command))),
    );
}

function addClientCommands(allspark: Command): void {
  asClient(allspark.command('sub'))
    .description('connect as a node and print what arrives, acknowledging it')
    .option('--count <n>', 'end after so many messages', wholeNumber)
    .option('--epoch <epoch>', 'resume this history …')
    .option('--last-seq <seq>', '… behind this seq', wholeNumber)
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/sub.js')).sub(options, all(command))),
    );
  asClient(allspark.command('pub'))
    .description('send a message and wait for the receipt; without a payload, each line of standard input is one')
    .argument('[payload]', 'JSON, or text that becomes a JSON string')
    .option('--to <node>', 'dest_id')
    .option('--to-client <client>', 'dest_client_id: all nodes of the client')
    .option('--session <session>', 'dest_session_id: all members of the session')
    .option('--member <member>', 'only this one of them, by alias or node id')
    .option('--type <number>', 'type of the message', wholeNumber)
    .option('--id <id>', 'id of the message: sent again under the same id, it is stored once')
    .option('--transient', 'only to who is connected now')
    .option('--report', 'wait until the receiver acknowledged it')
    .option('--timeout <ms>', 'give up waiting after so long', wholeNumber, 30_000)
    .action((_payload, options, command: Command) =>
      leave(async () => (await import('./cli/pub.js')).pub(options, all(command))),
    );
  asClient(allspark.command('inbox'))
    .description('read the inbox of a node without connecting')
    .option('--after-seq <seq>', 'exclusive', wholeNumber)
    .option('--before-seq <seq>', 'exclusive', wholeNumber)
    .option('--after-time <ms>', 'ms since 1970, exclusive', wholeNumber)
    .option('--before-time <ms>', 'ms since 1970, exclusive', wholeNumber)
    .option('--limit <n>', 'messages', wholeNumber)
    .option('--ack <seq>', 'acknowledge up to here instead of reading', wholeNumber)
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/inbox.js')).inbox(options, all(command))),
    );
}

function addSessionCommands(session: Command): void {
  asClient(session.command('create'))
    .description('make a session and print its id; who makes it owns it')
    .option('--game', 'members reach the master only, and only the master reaches all')
    .option('--master <node>', 'the master of the game (default: who makes it)')
    .option('--anyone-can-join', 'nodes join by themselves')
    .option('--anonymous', 'the others know the one who makes it by an alias only')
    .option('--notify-limit <n>', 'messages go to so many of the newest members only; 0: to all', wholeNumber)
    .option('--history <which>', 'what a member may read: joined (from then on) or all')
    .option('--metadata <json>', 'an object, at most 4 KiB')
    .option('--id <session>', 'an id of your own (role app)')
    .option('--member <node>', 'a first member, may be repeated (role app)', collect)
    .option('--idempotency-key <key>', 'repeated within a day it makes no second session')
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/session.js')).create(options, all(command))),
    );
  addSessionCommand(session, 'join', 'take a seat; as owner or app for another node')
    .option('--node <node>', 'for this node')
    .option('--anonymous', 'known to the others by an alias only')
    .option('--alias <alias>', 'the alias, which begins with ~ (role app)');
  addSessionCommand(session, 'leave', 'give up the seat; as owner or app that of another')
    .option('--node <node>', 'of this node')
    .option('--alias <alias>', 'of this anonymous member');
  addSessionCommand(session, 'reveal', 'show the others who this anonymous member is');
  addSessionCommand(session, 'info', 'show the session and its members');
  addSessionCommand(session, 'history', 'read what was said and what happened in it; takes nothing out of the inbox')
    .option('--after <session seq>', 'exclusive', wholeNumber)
    .option('--before <session seq>', 'exclusive; alone: the last ones', wholeNumber)
    .option('--limit <n>', 'messages', wholeNumber);
  addSessionCommand(session, 'end', 'end it for everybody (owner or app)');
  asClient(session.command('list'))
    .description('the sessions that the node is a member of')
    .option('--cursor <cursor>', 'go on behind here')
    .option('--limit <n>', 'sessions', wholeNumber)
    .action((options, command: Command) =>
      leave(async () => (await import('./cli/session.js')).list(options, all(command))),
    );
}

type SessionVerb = 'join' | 'leave' | 'reveal' | 'info' | 'history' | 'end';

function addSessionCommand(session: Command, verb: SessionVerb, what: string): Command {
  return asClient(session.command(verb))
    .description(what)
    .argument('[session]', 'its id')
    .action((_session, options, command: Command) =>
      leave(async () => (await import('./cli/session.js'))[verb](options, all(command))),
    );
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function addKeyCommands(allspark: Command): void {
  const token = allspark.command('token').description('auth keys: make one, look at one');
  token
    .command('make')
    .description('sign an auth key with the secret of the settings')
    .argument('[node]', 'node id, the sub of the key')
    .option('--client <id>', 'client_id')
    .option('--role <role>', 'node, app or admin', 'node')
    .option('--ttl <seconds>', 'lifetime, at most a day', wholeNumber, 3_600)
    .option('--json', 'machine readable')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_node, options, command: Command) =>
      leave(async () => (await import('./cli/token.js')).makeToken(options, all(command))),
    );
  token
    .command('verify')
    .description('tell whether the server would accept an auth key, and what it says')
    .argument('[key]', 'the auth key; without it, standard input')
    .option('--json', 'machine readable')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_key, options, command: Command) =>
      leave(async () => (await import('./cli/token.js')).verifyToken(options, all(command))),
    );
}

/** The parser itself would show the help of all without a word about it. */
function refuseHelpForUnknown(allspark: Command): void {
  const [first, wanted] = given.slice(2);
  if (first !== 'help' || wanted === undefined || wanted.startsWith('-')) return;
  const isKnown = allspark.commands.some((command) => command.name() === wanted);
  if (!isKnown && wanted !== 'help') allspark.error(`error: unknown command '${wanted}'`);
}

/** Words and settings of a command, still mixed: each command separates them (`separate`), for that loads the schema. */
const all = (command: Command): readonly string[] => [...command.args, ...behindDashes];

/** A command's number is the exit code; nothing is cut off, for the process ends when it has nothing more to do. */
async function leave(run: () => Promise<number>): Promise<void> {
  process.stdout.on('error', onLostOutput);
  try {
    const exitCode = await run();
    process.exitCode ??= exitCode;
  } catch (error) {
    process.exitCode = (await import('./cli/failure.js')).tellFailure(error);
  }
}

/** Whoever reads the output may stop reading, as `head` does; anything else that loses lines is told by the exit code. */
function onLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') process.exitCode = EXIT.io;
}

/** Takes what stands on the command line; how that went is the exit code of the process. */
export async function main(): Promise<void> {
  try {
    const allspark = program();
    refuseHelpForUnknown(allspark);
    await allspark.parseAsync(given);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}
