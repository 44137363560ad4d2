import { Option, type Command } from 'commander';
import type { AuditTrail, CommandAnswer } from '../answers.ts';
import { UsageError } from '../api-client.ts';
import { isConfirmed } from '../confirmation.ts';
import { localInstants } from '../format/local-instants.ts';
import { consentQuestion, purgeMadeText, purgeSettledText, purgeText } from '../format/purges.ts';
import type { Open } from './reads.ts';

const reasons = ['PERSONAL_INFORMATION', 'STATE_SECRET', 'AUTHORITY_ORDER', 'UNLAWFULLY_COLLECTED'] as const;
const nobodyToAsk = ['a purge cannot be taken back: confirm it with --yes', '清除后无法恢复：请用 --yes 确认'] as const;

const trailOf = (id: string) => ['/audit-trail', { stream: `purge-${id}`, limit: '10' }] as const;

/** Contents that the law wants gone: asked for by one person, agreed to by another. */
export const addPurges = (program: Command, open: Open): void => {
  const group = program.command('purge').description('contents of events taken away by law (依法清除)');
  group.command('request').argument('<event-id...>', 'events of one stream that were corrected or retracted as entered-in-error').description('ask for it')
    .addOption(new Option('--reason <code>', 'on what ground').choices(reasons).makeOptionMandatory())
    .requiredOption('--legal-basis <text>', 'the article of the law or the number of the order, and nothing of what is to go')
    .action(async (eventIds: readonly string[], { reason, legalBasis }: { readonly reason: string; readonly legalBasis: string }, command: Command) => {
      const { client, language, json, print } = await open(command);
      const made = await client.post<CommandAnswer>('/purges', { eventIds, reason, legalBasis });
      print(json ? JSON.stringify(made, null, 2) : purgeMadeText(language, made));
    });
  group.command('show').argument('<id>', 'as the request answered').description('what was asked for, by whom, and what became of it').action(async (id: string, _options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const trail = await client.get<AuditTrail>(...trailOf(id));
    print(json ? JSON.stringify(trail, null, 2) : purgeText(language, localInstants(trail, zone)));
  });
  group.command('consent').argument('<id>', 'as the request answered').description('agree to it, as another person than asked: the contents are gone for good (administrators only)')
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: { readonly yes?: boolean }, command: Command) => {
      const { client, language, zone, json, print } = await open(command);
      const trail = await client.get<AuditTrail>(...trailOf(id));
      if (yes !== true && !await isConfirmed(consentQuestion(language, localInstants(trail, zone)), nobodyToAsk)) throw new UsageError('nothing was purged', '未清除');
      // What was shown is what is agreed to.
      const done = await client.post<CommandAnswer>(`/purges/${encodeURIComponent(id)}/consent`, {}, {}, trail.items.length);
      print(json ? JSON.stringify(done, null, 2) : purgeSettledText(language, 'consent', done));
    });
  group.command('decline').argument('<id>', 'as the request answered').description('decline it, or take back what you asked for').action(async (id: string, _options: object, command: Command) => {
    const { client, language, json, print } = await open(command);
    const done = await client.post<CommandAnswer>(`/purges/${encodeURIComponent(id)}/decline`, {});
    print(json ? JSON.stringify(done, null, 2) : purgeSettledText(language, 'decline', done));
  });
};
