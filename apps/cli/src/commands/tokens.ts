import type { Command } from 'commander';
import type { TokenRecord } from '../answers.ts';
import { colon, label } from '../format/language.ts';
import { localInstants } from '../format/local-instants.ts';
import { table } from '../format/table.ts';
import type { Open } from './reads.ts';

interface AddOptions { readonly org?: string; readonly role: string; readonly subject: string; readonly expiresAt?: string }

/** Tokens, for administrators. A token's text is shown once, when it is made. */
export const addTokens = (program: Command, open: Open): void => {
  const token = program.command('token').description('bearer tokens (administrators only)');
  token.command('add').description('make a token and print it, once')
    .option('--org <id|code>', 'organisation that it acts for; none for an administrator')
    .requiredOption('--role <role>', 'a word of your own; "administrator" acts everywhere')
    .requiredOption('--subject <name>', 'person or system; the same name is the same subject')
    .option('--expires-at <instant>', 'from then on it is invalid')
    .action(async (options: AddOptions, command: Command) => {
      const { client, json, print } = await open(command);
      const record = await client.post<TokenRecord>('/tokens', options);
      print(json ? JSON.stringify(record, null, 2) : record.token ?? '');
    });
  token.command('list').description('all tokens, without their text').action(async (_options: object, command: Command) => {
    const { client, language, zone, json, print } = await open(command);
    const items: TokenRecord[] = [];
    for (let cursor: string | undefined, more = true; more;) {
      const page: { readonly items: readonly TokenRecord[]; readonly nextCursor: string | null } = await client.get('/tokens', { cursor });
      items.push(...page.items);
      more = page.nextCursor !== null;
      cursor = page.nextCursor ?? undefined;
    }
    const head = ['id', 'organisation', 'role', 'subject', 'created', 'expires', 'revoked'].map((name) => label(language, name));
    const rows = localInstants(items, zone).map((one) => [one.id, one.orgId, one.role, one.subject, one.createdAt, one.expiresAt, one.revokedAt]);
    print(json ? JSON.stringify(items, null, 2) : table(head, rows));
  });
  token.command('revoke').argument('<id>', 'id of the token').description('make a token invalid').action(async (id: string, _options: object, command: Command) => {
    const { client, language, json, print } = await open(command);
    const record = await client.delete<TokenRecord>(`/tokens/${encodeURIComponent(id)}`);
    print(json ? JSON.stringify(record, null, 2) : `${label(language, 'revoked')}${colon(language)}${record.id}`);
  });
};
