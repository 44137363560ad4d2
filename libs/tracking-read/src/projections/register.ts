import type { DomainEvent, Fact, InspectionId, IssueId, OrgId, Position, StreamId } from '@rectrail/kernel';
import type { Copy, CopyValue, TableDefinition, Transaction } from '@rectrail/projections';
import { closeRows, isEnded, isStanding, stillStands, type Closing, type Row } from '../database/rows.ts';
import type { CellPoint } from '../figures/figure-points.ts';
import { laneOf } from './lanes.ts';
import { noInspection, saidOfName, saidOfView } from './register-details.ts';
import { StreamTimeline, type Rectangle, type TimelineDefinition } from '../timeline/timeline.ts';

/** What a view adds to the figures of its owner: `n` things (or amounts) and so many fen in a cell. */
export interface Contribution { readonly cell: string; readonly n: number; readonly fen: bigint }

/** What every view of an aggregate carries: its owner, and its own columns in the register. */
export interface RegisterView { readonly orgId: OrgId }

/** What an aggregate is called: what hardly ever changes, kept once for all its views. Lists go by inspection and number, and look `search` through. */
export interface Name {
  /** Null where it belongs to none. */
  readonly inspectionId: InspectionId | null;
  readonly numberKey: string;
  /** In lower case. */
  readonly search: string;
  /** The issues that it is linked to. */
  readonly issueIds: readonly IssueId[];
  readonly detail: object;
}

/** What lists show of a view. */
export interface Shown {
  /** By which of few kinds rectangles lie together. */
  readonly state: number;
  readonly name: Name;
  readonly detail: object;
}

/** A register: of each aggregate of a noun, what it showed on which days to those who knew what, and what that adds to the figures. */
export interface Register<E extends DomainEvent, S, W extends RegisterView> {
  readonly kind: CellPoint['kind'];
  readonly streamPrefix: string;
  readonly timeline: TimelineDefinition<Fact<E>, S, W>;
  /** Its columns of a rectangle beside those that every register has, and those of them that lists filter and sort by. */
  readonly columns: Readonly<Record<string, string>>;
  readonly listed: readonly string[];
  readonly indexes: Readonly<Record<string, string>>;
  readonly row: (view: W) => readonly CopyValue[];
  /** Null where there is nothing to show. Name and detail are kept once for all rectangles that have them. */
  readonly shown: (view: W) => Shown | null;
  readonly nameIndexes: Readonly<Record<string, string>>;
  readonly contributions: (view: W) => readonly Contribution[];
}

export type RegisterKind = CellPoint['kind'];

const rectangleColumns = {
  id: 'uuid not null', org_id: 'uuid not null', valid_from: 'date not null', valid_to: 'date not null', known_from: 'timestamptz not null', known_to: 'timestamptz not null',
  pos_from: 'bigint not null', pos_to: 'bigint not null', anchor: 'integer not null', lane: 'smallint not null', state: 'smallint', view: 'integer', name: 'integer',
} as const;

type TableNames = Pick<Register<DomainEvent, unknown, RegisterView>, 'kind' | 'columns' | 'listed' | 'indexes' | 'nameIndexes'>;

/** An index is all that is read of pages that a vacuum has seen since they changed, and what changes is what holds today, which is read most. */
const vacuumedOften = 'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05';

/**
 * The table of rectangles. Lists read two indexes of it and never the table, since these carry all that is asked: one finds the rectangle of an aggregate at a cut, the other
 * those of a state (lanes.ts). What the log has ended since, a third of all, is looked for at older positions alone, by an index that carries nothing. `view` and `name` are
 * numbers within the stream; null, like the state, where there is nothing to show.
 */
export const rowTableOf = ({ kind, columns, listed, indexes }: TableNames): TableDefinition => {
  const [rectangle, lane] = [['id', 'pos_from', 'known_from', 'valid_from'], ['state', 'lane', 'anchor']];
  const without = (...keys: readonly string[]): readonly string[] =>
    // The shortest last: nothing is lost between them.
    ['id', 'org_id', 'valid_from', 'valid_to', 'known_from', 'known_to', 'pos_from', 'pos_to', 'view', 'name', ...listed, 'state'].filter((column) => !keys.includes(column));
  return {
    name: `${kind}_row`, columns: { ...rectangleColumns, ...columns }, primaryKey: rectangle, include: without(...rectangle),
    indexes: {
      [`${kind}_row_lane`]: `(${lane.join(', ')}) include (${without(...lane, 'pos_to').join(', ')}) where ${isStanding(`${kind}_row`)}`,
      [`${kind}_row_ended`]: `(${lane.join(', ')}) where ${isEnded(`${kind}_row`)}`,
      ...indexes,
    },
    with: vacuumedOften,
  };
};

export const viewTableOf = (kind: RegisterKind): TableDefinition => ({
  name: `${kind}_view`, columns: { id: 'uuid not null', view: 'integer not null', detail: 'jsonb not null' }, primaryKey: ['id', 'view'],
});

/** Texts side by side, which no part that is looked for spans. */
export const searchText = (...texts: readonly string[]): string => texts.join('\n').toLowerCase();

/** The characters of a name: no word has to be found where none is printed (Chinese), and two of them are few names already. */
export const charactersOf = (search: string): string => `string_to_array(${search}, null)`;
export const searchIndex = (kind: RegisterKind): Readonly<Record<string, string>> => ({ [`${kind}_name_search`]: `using gin (${charactersOf('search')}) with (fastupdate = off)` });

export const nameTableOf = ({ kind, nameIndexes }: TableNames): TableDefinition => ({
  name: `${kind}_name`,
  columns: {
    id: 'uuid not null', name: 'integer not null', org_id: 'uuid not null', inspection_id: 'uuid not null', number_key: 'text collate "C" not null', search: 'text collate "C" not null',
    detail: 'jsonb not null',
  },
  primaryKey: ['id', 'name'],
  indexes: { [`${kind}_name_order`]: '(org_id, inspection_id, number_key, id, name)', ...nameIndexes },
});

/** By issue, the names that are linked to it. */
export const linkTableOf = (kind: RegisterKind): TableDefinition => ({
  name: `${kind}_issue`, columns: { issue_id: 'uuid not null', id: 'uuid not null', name: 'integer not null' }, primaryKey: ['issue_id', 'id', 'name'],
});

/** Signed points of all registers, by the position that added them. `late`: known more than a day before it was recorded. */
export const pointTable: TableDefinition = {
  name: 'point',
  columns: {
    position: 'bigint not null', known_from: 'timestamptz not null', fen: 'bigint not null', valid_from: 'date not null', n: 'integer not null', org_id: 'uuid not null',
    late: 'boolean not null', kind: 'text not null', cell: 'text collate "C" not null',
  },
  primaryKey: ['position', 'known_from', 'valid_from', 'cell'],
  indexes: { point_org: '(org_id, kind)', point_known: '(known_from, valid_from)', point_late: '(position) include (known_from, valid_from, n, fen, org_id, kind, cell) where late' },
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
const placeOf = (column: keyof typeof rectangleColumns): number => Object.keys(rectangleColumns).indexOf(column);
const [posFromAt, posToAt, anchorAt, laneAt] = [placeOf('pos_from'), placeOf('pos_to'), placeOf('anchor'), placeOf('lane')];
const closing: Closing = { keys: { id: 'uuid', valid_from: 'date', known_from: 'timestamptz' }, changed: { anchor: 'integer', lane: 'smallint' } };

/** What a batch changes in one register, gathered so that it is written with few statements. */
export class RegisterChanges<E extends DomainEvent, S, W extends RegisterView> {
  /** With the position that added each. */
  readonly points: (readonly [position: Position, recordedAt: string, point: CellPoint])[] = [];
  readonly #rows: OpenRow[] = [];
  readonly #closed: Row[] = [];
  readonly #views: CopyValue[][] = [];
  readonly #names: CopyValue[][] = [];
  readonly #links: CopyValue[][] = [];
  readonly #register: Register<E, S, W>;

  constructor(register: Register<E, S, W>) {
    this.#register = register;
  }

  /** `earlier` is the stream before the batch, whose rows stand already. */
  addStream(streamId: StreamId, earlier: readonly Fact<E>[], added: readonly Fact<E>[]): void {
    const { streamPrefix, timeline, row } = this.#register;
    const id = streamId.slice(streamPrefix.length);
    const stream = new StreamTimeline(timeline);
    const numbersOf = this.#numbers(id);
    const openedEarlier = new Map<string, Position>();
    for (const fact of earlier) {
      for (const { key, viewKey, view } of stream.add(fact).opened) {
        openedEarlier.set(key, fact.position);
        numbersOf(viewKey, view, false);
      }
    }
    const openedHere = new Map<string, OpenRow>();
    for (const fact of added) {
      const { position, recordedAt } = fact;
      const { closed, opened } = stream.add(fact);
      const sum = new PointSum<W>(this.#register);
      for (const rectangle of closed) {
        sum.add(rectangle, -1);
        const here = openedHere.get(rectangle.key);
        const posFrom = here === undefined ? openedEarlier.get(rectangle.key) : here[posFromAt];
        const { lane, anchor } = laneOf(rectangle, Number(posFrom), position);
        if (here === undefined) this.#closed.push({ id, valid_from: rectangle.validFrom, known_from: rectangle.knownFrom, pos_to: position, lane, anchor });
        else [here[posToAt], here[laneAt], here[anchorAt]] = [position, lane, anchor];
        openedHere.delete(rectangle.key);
      }
      for (const rectangle of opened) {
        sum.add(rectangle, 1);
        const { validFrom, validTo, knownFrom, knownTo, view, viewKey } = rectangle;
        const { lane, anchor } = laneOf(rectangle, position, stillStands);
        const made: OpenRow = [id, view.orgId, validFrom, validTo, knownFrom, knownTo, position, stillStands, anchor, lane, ...numbersOf(viewKey, view, true), ...row(view)];
        openedHere.set(rectangle.key, made);
        this.#rows.push(made);
      }
      for (const point of sum.points()) this.points.push([position, recordedAt, point]);
    }
  }

  /** Ends what earlier batches have opened. */
  close(tx: Transaction, schema: string): Promise<void> {
    return closeRows(tx, `${schema}.${this.#register.kind}_row`, closing, this.#closed);
  }

  opened(schema: string): readonly Copy[] {
    const { kind, columns } = this.#register;
    return [
      { table: `${schema}.${kind}_row`, columns: [...Object.keys(rectangleColumns), ...Object.keys(columns)], rows: this.#rows },
      { table: `${schema}.${kind}_view`, columns: ['id', 'view', 'detail'], rows: this.#views },
      { table: `${schema}.${kind}_name`, columns: ['id', 'name', 'org_id', 'inspection_id', 'number_key', 'search', 'detail'], rows: this.#names },
      ...(this.#links.length > 0 ? [{ table: `${schema}.${kind}_issue`, columns: ['issue_id', 'id', 'name'], rows: this.#links }] : []),
    ];
  }

  /** State, number of the view and number of the name; views and names by number, each in the order in which the stream first showed them. */
  #numbers(id: string): (viewKey: string, view: W, isNew: boolean) => Numbers {
    const [views, names] = [new Map<string, Numbers>(), new Map<string, number>()];
    let last = 0;
    const nameNumber = ({ inspectionId, numberKey, search, issueIds, detail }: Name, orgId: OrgId, isNew: boolean): number => {
      const content = JSON.stringify([inspectionId, numberKey, search, issueIds, detail]);
      const known = names.get(content);
      if (known !== undefined) return known;
      const number = names.size + 1;
      names.set(content, number);
      if (isNew) {
        this.#names.push([id, number, orgId, inspectionId ?? noInspection, numberKey, search, saidOfName(this.#register.kind, detail)]);
        for (const issueId of issueIds) this.#links.push([issueId, id, number]);
      }
      return number;
    };
    return (viewKey, view, isNew) => {
      const known = views.get(viewKey);
      if (known !== undefined) return known;
      const shown = this.#register.shown(view);
      const made: Numbers = shown === null ? nothingShown : [shown.state, (last += 1), nameNumber(shown.name, view.orgId, isNew)];
      views.set(viewKey, made);
      if (isNew && shown !== null) this.#views.push([id, last, saidOfView(this.#register.kind, shown.detail)]);
      return made;
    };
  }
}

type Numbers = readonly [state: number | null, view: number | null, name: number | null];
const nothingShown: Numbers = [null, null, null];

interface PointRow { readonly org_id: OrgId; readonly cell: string; readonly valid_from: CellPoint['validFrom']; readonly known_from: CellPoint['knownFrom']; readonly n: number; readonly fen: string }

/** Takes away all that these streams made in a register, so that it is made anew; gives its points, with their signs turned. */
export const forgetStreams = async (
  { kind, streamPrefix }: Pick<Register<DomainEvent, unknown, RegisterView>, 'kind' | 'streamPrefix'>, streamIds: readonly StreamId[], tx: Transaction, schema: string,
): Promise<readonly CellPoint[]> => {
  const ids = streamIds.filter((id) => id.startsWith(streamPrefix)).map((id) => id.slice(streamPrefix.length));
  if (ids.length === 0) return [];
  // Where a fact made a point, it opened or closed a rectangle.
  const points = await tx.query<PointRow>(
    `delete from ${schema}.${pointTable.name} where position in (select unnest(array[pos_from, pos_to]) from ${schema}.${kind}_row where id = any($1::uuid[]))
     returning org_id, cell, valid_from::text as valid_from, ${instantText('known_from')} as known_from, n, fen::text as fen`, [ids],
  );
  for (const table of ['row', 'view', 'name', ...(kind === 'issue' ? [] : ['issue'])]) await tx.query(`delete from ${schema}.${kind}_${table} where id = any($1::uuid[])`, [ids]);
  return points.map(({ org_id: orgId, cell, valid_from: validFrom, known_from: knownFrom, n, fen }) => ({ kind, orgId, cell, validFrom, knownFrom, n: -n, fen: -BigInt(fen) }));
};

export const copyOfPoints = (schema: string, points: readonly (readonly [position: Position, recordedAt: string, point: CellPoint])[]): Copy => ({
  table: `${schema}.${pointTable.name}`, columns: pointColumns,
  rows: points.map(([position, recordedAt, { kind, orgId, cell, validFrom, knownFrom, n, fen }]) =>
    [position, knownFrom, fen, validFrom, n, orgId, isLate(knownFrom, recordedAt), kind, cell]),
});
