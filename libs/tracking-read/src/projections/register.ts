import type { DomainEvent, Fact, OrgId, Position, StreamId } from '@rectrail/kernel';
import type { CopyValue, TableDefinition, Transaction } from '@rectrail/projections';
import { closeRows, stillStands, type Columns, type Row } from '../database/rows.ts';
import type { CellPoint } from '../figures/figure-points.ts';
import { StreamTimeline, type Rectangle, type TimelineDefinition } from '../timeline/timeline.ts';

/** What a view adds to the figures of its owner: `n` things (or amounts) and so many fen in a cell. */
export interface Contribution { readonly cell: string; readonly n: number; readonly fen: bigint }

/** What every view of an aggregate carries: its owner, and its own columns in the register. */
export interface RegisterView { readonly orgId: OrgId }

/** A register: of each aggregate of a noun, what it showed on which days to those who knew what, and what that adds to the figures. */
export interface Register<E extends DomainEvent, S, W extends RegisterView> {
  readonly kind: CellPoint['kind'];
  readonly streamPrefix: string;
  readonly timeline: TimelineDefinition<Fact<E>, S, W>;
  /** Name of the table of rectangles, and its columns beside those that every register has. */
  readonly rowTable: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly indexes: Readonly<Record<string, string>>;
  readonly row: (view: W) => readonly CopyValue[];
  /** What a list shows, kept once for all rectangles that show it (`view` is its number in the stream); null where there is nothing to show. */
  readonly viewTable: string;
  readonly detail: (view: W) => object | null;
  readonly contributions: (view: W) => readonly Contribution[];
}

const rectangleColumns = {
  id: 'uuid not null', org_id: 'uuid not null', valid_from: 'date not null', valid_to: 'date not null', known_from: 'timestamptz not null', known_to: 'timestamptz not null',
  pos_from: 'bigint not null', pos_to: 'bigint not null', view: 'integer',
} as const;

/** The table of rectangles; the open row of a corner is found by the partial index. */
export const rowTableOf = ({ rowTable, columns, indexes }: Pick<Register<DomainEvent, unknown, RegisterView>, 'rowTable' | 'columns' | 'indexes'>): TableDefinition => ({
  name: rowTable,
  columns: { ...rectangleColumns, ...columns },
  primaryKey: ['id', 'pos_from', 'known_from', 'valid_from'],
  indexes: { ...indexes, [`${rowTable}_open`]: `(id, valid_from, known_from) where pos_to = ${stillStands}` },
});

export const viewTableOf = ({ viewTable }: { readonly viewTable: string }): TableDefinition => ({
  name: viewTable, columns: { id: 'uuid not null', view: 'integer not null', detail: 'jsonb not null' }, primaryKey: ['id', 'view'],
});

/** Signed points of all registers, by the position that added them. `late`: known more than a day before it was recorded. */
export const pointTable: TableDefinition = {
  name: 'point',
  columns: {
    kind: 'text not null', org_id: 'uuid not null', cell: 'text collate "C" not null', valid_from: 'date not null', known_from: 'timestamptz not null',
    position: 'bigint not null', n: 'integer not null', fen: 'bigint not null', late: 'boolean not null',
  },
  primaryKey: ['position', 'cell', 'valid_from', 'known_from'],
  indexes: { point_org: '(org_id, kind)', point_known: '(known_from)', point_late: '(position) where late' },
};
const pointColumns = Object.keys(pointTable.columns);

/** An instant as the domain writes it; an end of time by its name. */
export const instantText = (column: string): string => `case when isfinite(${column}) then to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') else ${column}::text end`;

const dayMs = 86_400_000;

const isLate = (knownFrom: string, recordedAt: string): boolean => knownFrom === '-infinity' || Date.parse(recordedAt) - Date.parse(knownFrom) > dayMs;

/** Points of one fact, summed where they meet: what cancels at a position never stood and leaves no row. */
class PointSum<W extends RegisterView> {
  readonly #points = new Map<string, { -readonly [K in keyof CellPoint]: CellPoint[K] }>();
  readonly #register: Pick<Register<DomainEvent, unknown, W>, 'kind' | 'contributions'>;

  constructor(register: Pick<Register<DomainEvent, unknown, W>, 'kind' | 'contributions'>) {
    this.#register = register;
  }

  /** The four corners of the rectangle; those at an open end are never reached by a cut. */
  add({ validFrom, validTo, knownFrom, knownTo, view }: Rectangle<W>, sign: 1 | -1): void {
    for (const contribution of this.#register.contributions(view)) {
      this.#addPoint(view.orgId, contribution, validFrom, knownFrom, sign);
      if (validTo !== 'infinity') this.#addPoint(view.orgId, contribution, validTo, knownFrom, -sign);
      if (knownTo === 'infinity') continue;
      this.#addPoint(view.orgId, contribution, validFrom, knownTo, -sign);
      if (validTo !== 'infinity') this.#addPoint(view.orgId, contribution, validTo, knownTo, sign);
    }
  }

  points(): readonly CellPoint[] {
    return [...this.#points.values()].filter((point) => point.n !== 0 || point.fen !== 0n);
  }

  // eslint-disable-next-line max-params -- a point is its coordinates
  #addPoint(orgId: OrgId, { cell, n, fen }: Contribution, validFrom: CellPoint['validFrom'], knownFrom: CellPoint['knownFrom'], factor: number): void {
    const key = `${validFrom} ${knownFrom} ${cell}`;
    const point = this.#points.get(key);
    if (point === undefined) this.#points.set(key, { kind: this.#register.kind, orgId, cell, validFrom, knownFrom, n: n * factor, fen: fen * BigInt(factor) });
    else {
      point.n += n * factor;
      point.fen += fen * BigInt(factor);
    }
  }
}

type OpenRow = CopyValue[];
const posToAt = Object.keys(rectangleColumns).indexOf('pos_to');
const cornerColumns: Columns = { id: 'uuid', valid_from: 'date', known_from: 'timestamptz' };

/** What a batch changes in one register, gathered so that it is written with one statement a table. */
export class RegisterChanges<E extends DomainEvent, S, W extends RegisterView> {
  /** With the position that added each. */
  readonly points: (readonly [position: Position, recordedAt: string, point: CellPoint])[] = [];
  readonly #rows: OpenRow[] = [];
  readonly #closed: Row[] = [];
  readonly #views: CopyValue[][] = [];
  readonly #register: Register<E, S, W>;

  constructor(register: Register<E, S, W>) {
    this.#register = register;
  }

  /** `earlier` is the stream before the batch, whose rows stand already. */
  addStream(streamId: StreamId, earlier: readonly Fact<E>[], added: readonly Fact<E>[]): void {
    const { streamPrefix, timeline, row } = this.#register;
    const id = streamId.slice(streamPrefix.length);
    const stream = new StreamTimeline(timeline);
    const numberOf = this.#viewNumbers(id);
    for (const fact of earlier) for (const { viewKey, view } of stream.add(fact).opened) numberOf(viewKey, view, false);
    const openedHere = new Map<string, OpenRow>();
    for (const fact of added) {
      const { position, recordedAt } = fact;
      const { closed, opened } = stream.add(fact);
      const sum = new PointSum<W>(this.#register);
      for (const rectangle of closed) {
        sum.add(rectangle, -1);
        const here = openedHere.get(rectangle.key);
        if (here === undefined) this.#closed.push({ id, valid_from: rectangle.validFrom, known_from: rectangle.knownFrom, pos_to: position });
        else here[posToAt] = position;
        openedHere.delete(rectangle.key);
      }
      for (const rectangle of opened) {
        sum.add(rectangle, 1);
        const { validFrom, validTo, knownFrom, knownTo, view, viewKey } = rectangle;
        const made: OpenRow = [id, view.orgId, validFrom, validTo, knownFrom, knownTo, position, stillStands, numberOf(viewKey, view, true), ...row(view)];
        openedHere.set(rectangle.key, made);
        this.#rows.push(made);
      }
      for (const point of sum.points()) this.points.push([position, recordedAt, point]);
    }
  }

  async write(tx: Transaction, schema: string): Promise<void> {
    const { rowTable, viewTable, columns } = this.#register;
    await closeRows(tx, `${schema}.${rowTable}`, cornerColumns, this.#closed);
    await tx.copy(`${schema}.${rowTable}`, [...Object.keys(rectangleColumns), ...Object.keys(columns)], this.#rows);
    await tx.copy(`${schema}.${viewTable}`, ['id', 'view', 'detail'], this.#views);
  }

  /** Views by number, in the order in which the stream first showed them; null for one that has nothing to show. */
  #viewNumbers(id: string): (viewKey: string, view: W, isNew: boolean) => number | null {
    const numbers = new Map<string, number | null>();
    let last = 0;
    return (viewKey, view, isNew) => {
      const known = numbers.get(viewKey);
      if (known !== undefined) return known;
      const detail = this.#register.detail(view);
      const number = detail === null ? null : (last += 1);
      numbers.set(viewKey, number);
      if (isNew && detail !== null) this.#views.push([id, number, detail]);
      return number;
    };
  }
}

export const writePoints = async (tx: Transaction, schema: string, points: readonly (readonly [position: Position, recordedAt: string, point: CellPoint])[]): Promise<void> => {
  await tx.copy(`${schema}.${pointTable.name}`, pointColumns, points.map(([position, recordedAt, { kind, orgId, cell, validFrom, knownFrom, n, fen }]) =>
    [kind, orgId, cell, validFrom, knownFrom, position, n, fen, isLate(knownFrom, recordedAt)]));
};
