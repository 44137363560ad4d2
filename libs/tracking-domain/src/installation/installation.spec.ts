// Goal: the zone is fixed at the first start and never changes; only a zone that exists is taken.
// Method: decide and evolve on hand-made states.
import { describe, expect, it } from '@jest/globals';
import { fact, streamOf } from '../testing/decider-specification.ts';
import { decideInstallation } from './installation.decide.ts';
import type { InstallationEvent } from './installation.events.ts';
import { evolveInstallation, type Installation } from './installation.state.ts';

const shanghai: Installation = { zone: 'Asia/Shanghai', jurisdiction: 'CN' };

describe('the first start', () => {
  it('fixes zone and jurisdiction, once', () => {
    expect(decideInstallation({ type: 'InitialiseInstallation', data: shanghai }, null)).toEqual({ ok: true, events: [{ type: 'InstallationInitialised', data: shanghai }] });
    expect(decideInstallation({ type: 'InitialiseInstallation', data: shanghai }, shanghai)).toEqual({ ok: true, events: [] });
    expect(decideInstallation({ type: 'InitialiseInstallation', data: { ...shanghai, zone: 'UTC' } }, shanghai)).toMatchObject({ ok: false, rejection: { code: 'already-initialised' } });
  });

  it('refuses a zone that does not exist', () => {
    for (const zone of ['Asia/Nowhere', '', 'Shanghai time']) {
      expect(decideInstallation({ type: 'InitialiseInstallation', data: { ...shanghai, zone } }, null)).toMatchObject({ ok: false, rejection: { code: 'unknown-zone', pointer: '/zone' } });
    }
  });

  it('holds whatever comes after it', () => {
    const facts = streamOf<InstallationEvent>(fact(null, { type: 'InstallationInitialised', data: shanghai }), fact(null, { type: 'InstallationInitialised', data: { ...shanghai, zone: 'UTC' } }));
    expect(facts.reduce(evolveInstallation, null)).toEqual(shanghai);
  });
});
