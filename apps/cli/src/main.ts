import { Command, CommanderError } from 'commander';
import { ProblemAnswer, UsageError } from './api-client.ts';
import { addBackup } from './commands/backup.ts';
import { addAudit } from './commands/audit.ts';
import { addClock } from './commands/clock.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addEpochs } from './commands/epochs.ts';
import { addFeed } from './commands/feed.ts';
import { addGenerate } from './commands/generate.ts';
import { addImports } from './commands/imports.ts';
import { addLogKey } from './commands/log-key.ts';
import { addOverTime } from './commands/over-time.ts';
import { addProjections } from './commands/projections.ts';
import { addPurges } from './commands/purges.ts';
import { addReads } from './commands/reads.ts';
import { addReminders } from './commands/reminders.ts';
import { addServing } from './commands/serve.ts';
import { addSlips } from './commands/slips.ts';
import { addTokens } from './commands/tokens.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { problemText } from './format/problem.ts';
import { sessionOf, withGlobalOptions, type GlobalOptions } from './session.ts';

/** Exit codes: refused by the server or not possible here; wrong usage. */
const failed = 1;
const wrongUsage = 2;

const program = withGlobalOptions(new Command('rectrail'), process.env)
  .description('Track the rectification of issues found by inspections, as of any date (巡视巡察整改跟踪)')
  .showHelpAfterError()
  .exitOverride();
const open = (command: Command) => sessionOf(command.optsWithGlobals<GlobalOptions>(), process.env);
addReads(program, open);
addSlips(program, open);
addReminders(program, open);
addOverTime(program, open);
addFeed(program, open);
addWebhooks(program, open);
addImports(program, open);
addTokens(program, open);
addProjections(program, open);
addDeadLetters(program, open);
addEpochs(program, open);
addClock(program, open);
addPurges(program, open);
addBackup(program, process.env);
addLogKey(program);
addServing(program, process.env);
addGenerate(program, process.env);
addAudit(program, open);
for (const command of [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)]) command.allowExcessArguments(false);

const explain = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage;
  const language = program.opts<GlobalOptions>().lang;
  if (error instanceof ProblemAnswer) process.stderr.write(`${problemText(error.problem, language)}\n`);
  else if (error instanceof UsageError) process.stderr.write(`${language === 'zh' ? error.messageZh : error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  return failed;
};

// A reader that has seen enough (head, less) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(0); else throw error; });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
