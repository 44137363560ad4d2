/**
 * The one table of layers: what each package may import (docs/explanation/architecture.md draws it). dependency-cruiser
 * enforces it; `exports` and `tsc -b` are the hard walls behind.
 */
export const layers = {
  'libs/kernel': [],
  'libs/event-store': ['kernel'],
  'libs/event-store-postgres': ['kernel', 'event-store'],
  'libs/event-store-kurrentdb': ['kernel', 'event-store'],
  'libs/tracking-domain': ['kernel'],
  'libs/generator': ['kernel', 'event-store', 'tracking-domain'],
  'libs/projections': ['kernel', 'event-store'],
  'libs/platform': ['kernel'],
  'libs/access': ['kernel'],
  'libs/transparency': ['kernel'],
  'libs/audit': ['kernel', 'event-store', 'transparency', 'tracking-domain'],
  'libs/messaging': ['kernel', 'event-store', 'tracking-domain', 'platform'],
  'libs/tracking-read': ['kernel', 'event-store', 'projections', 'tracking-domain'],
  'libs/tracking-app': ['kernel', 'event-store', 'projections', 'tracking-domain', 'tracking-read', 'access'],
  'apps/server': ['audit', 'kernel', 'event-store', 'event-store-postgres', 'event-store-kurrentdb', 'messaging', 'transparency', 'tracking-domain', 'projections', 'platform', 'access', 'tracking-read', 'tracking-app'],
  'apps/cli': ['kernel', 'platform', 'event-store', 'event-store-postgres', 'generator', 'audit', 'transparency', 'tracking-domain', 'projections', 'tracking-read'],
};
