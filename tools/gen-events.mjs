// Writes docs/reference/events.md from the schemas of the built code: npm run build && node tools/gen-events.mjs
import { writeFileSync } from 'node:fs';
import { eventCatalogue } from '../libs/tracking-domain/dist/wire/event-catalogue.js';

writeFileSync(new URL('../docs/reference/events.md', import.meta.url), eventCatalogue());
