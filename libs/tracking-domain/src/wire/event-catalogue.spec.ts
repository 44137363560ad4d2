// Goal: docs/reference/events.md holds every event type, as its schema is now.
// Method: the catalogue is made anew and compared with the file.
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { eventCatalogue } from './event-catalogue.ts';
import { trackingEventDefinitions } from './tracking-definitions.ts';

describe('docs/reference/events.md', () => {
  it('is what tools/gen-events.mjs makes of the definitions', () => {
    expect(readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')).toBe(eventCatalogue());
  });

  it('names every event type once', () => {
    const rows = [...eventCatalogue().matchAll(/^\| `(\w+)` \|/gm)].map(([, type]) => type);
    expect(rows.toSorted()).toEqual(trackingEventDefinitions.map(({ type }) => type).toSorted());
  });

  it('gives fields as readers write them', () => {
    expect(eventCatalogue()).toContain('| `OrgMoved` | 1 | 调整隶属关系 | An organisation came under another parent | orgId: uuid, parentId: uuid or null |');
    expect(eventCatalogue()).toContain('| `DeadlineSet` | 1 | 确定完成时限 | A deadline was set | planned: FuzzyDate |');
  });
});
