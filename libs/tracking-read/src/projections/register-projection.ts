import type { DomainEvent, Fact, OrgId, Position, StreamId } from '@rectrail/kernel';
import { defineProjection, type BulkLoad, type Projection, type ProjectionContext } from '@rectrail/projections';
import { administrativeTreeId, isPurge, streams, type TrackingEvent } from '@rectrail/tracking-domain';
import { dayNumbersIn } from '../figures/day-numbers.ts';
import { FigurePoints, Judges, type CellPoint, type FigureExpansion } from '../figures/figure-points.ts';
import { buildRollUps, stagePoints } from '../figures/roll-up-build.ts';
import { expansionAt, expansionOfChange, referenceParents, RollUp } from '../figures/roll-up.ts';
import { coarseFromPoints, figureTables } from '../figures/roll-up-tables.ts';
import { begunEarlier, byStream, hasGap, isReferenceStream } from './streams.ts';
import { fundsRegister } from './funds-register.ts';
import { issueRegister } from './issue-register.ts';
import { measureRegister } from './measure-register.ts';
import { copyOfPoints, forgetStreams, instantText, linkTableOf, nameTableOf, pointTable, RegisterChanges, rowTableOf, viewTableOf, type Register, type RegisterView } from './register.ts';

type AnyRegister = Register<DomainEvent, unknown, RegisterView>;

// A register is given the streams of its prefix alone, whose events the codec has checked.
const registers: readonly AnyRegister[] = [issueRegister, measureRegister, fundsRegister] as unknown as readonly AnyRegister[];

const administrativeTree = streams.organisationTree(administrativeTreeId);
const policyPrefix = 'policy-';

type Streams = ReadonlyMap<StreamId, readonly Fact[]>;
type AddedPoints = RegisterChanges<DomainEvent, unknown, RegisterView>['points'];

/** Rows, views and points of all registers for these streams; gives the points back. */
const writeRegisters = async (whole: Streams, earlier: Streams, { tx, schema }: ProjectionContext): Promise<AddedPoints> => {
  const changesOf = registers.map((register) => {
    const changes = new RegisterChanges(register);
    for (const [streamId, added] of whole) if (streamId.startsWith(register.streamPrefix)) changes.addStream(streamId, earlier.get(streamId) ?? [], added);
    return changes;
  });
  for (const changes of changesOf) await changes.close(tx, schema);
  const points = changesOf.flatMap((changes) => changes.points);
  await tx.copy(...changesOf.flatMap((changes) => changes.opened(schema)), copyOfPoints(schema, points));
  return points;
};

/** What these streams made is gone; the points that it had, with their signs turned. */
const forgotten = async (ids: readonly StreamId[], { tx, schema }: ProjectionContext): Promise<readonly CellPoint[]> => {
  const removed: CellPoint[] = [];
  for (const register of registers) removed.push(...await forgetStreams(register, ids, tx, schema));
  return removed;
};

const countsByOwner = (points: AddedPoints): Map<OrgId, number> => {
  const counts = new Map<OrgId, number>();
  for (const [, , { orgId }] of points) counts.set(orgId, (counts.get(orgId) ?? 0) + 1);
  return counts;
};

/** Owners whose policy or calendar the facts change: null for all, since the default or the calendar decides over every one. */
const owningPolicies = (ids: readonly StreamId[]): readonly OrgId[] | null => {
  if (ids.includes(streams.defaultPolicy) || ids.includes(streams.workingCalendar)) return null;
  // The rest of the name of a policy's stream is its organisation.
  return ids.filter((id) => id.startsWith(policyPrefix)).map((id) => id.slice(policyPrefix.length) as OrgId);
};

/** Points of registers that are judged anew at once, more or less: what they change stays in memory. */
const pointsAtOnce = 20_000;

const inChunks = (owners: readonly OrgId[], pointsOf: ReadonlyMap<OrgId, number>): readonly (readonly OrgId[])[] => {
  const chunks: OrgId[][] = [];
  let points = Infinity;
  for (const owner of owners) {
    const own = pointsOf.get(owner) ?? 0;
    if (points + own > pointsAtOnce) {
      chunks.push([]);
      points = 0;
    }
    chunks.at(-1)?.push(owner);
    points += own;
  }
  return chunks;
};

/** Where the policies and calendars of the batch judge earlier points otherwise than those before it, adds the difference. */
const judgeAnew = async (rollUp: RollUp, ids: readonly StreamId[], context: ProjectionContext, judges: Judges): Promise<void> => {
  const { tx, schema, after } = context;
  const among = owningPolicies(ids);
  if (among?.length === 0) return;
  const owners = await rollUp.owners(among);
  const { expansion, concerned } = await expansionOfChange(context, [...owners.keys()], judges);
  for (const some of inChunks(concerned, owners)) {
    const points = await tx.query<Omit<CellPoint, 'fen' | 'kind'>>(
      `select org_id as "orgId", cell, valid_from::text as "validFrom", ${instantText('known_from')} as "knownFrom", sum(n)::int as n from ${schema}.point
        where kind = 'issue' and org_id = any($1) and position <= $2 group by org_id, cell, valid_from, known_from having sum(n) <> 0`, [some, after],
    );
    const figures = new FigurePoints();
    for (const point of points) expansion.expand({ ...point, kind: 'issue', fen: 0n }, figures);
    await rollUp.load(some);
    await rollUp.add(figures, new Map());
  }
};

/** Whether facts of the tree may change who stands below whom. */
const changesPlaces = (facts: readonly Fact[]): boolean => facts.some(({ event: { type } }) => placing.includes(type));
const placing = ['OrgRegistered', 'OrgMoved', 'OrgMerged', 'FactsRetracted'] satisfies readonly TrackingEvent['type'][] as readonly string[];

const isReference = (id: StreamId): boolean => id === administrativeTree || id === streams.workingCalendar || id.startsWith(policyPrefix);

const expandAll = (points: readonly CellPoint[], expansion: FigureExpansion, figures = new FigurePoints()): FigurePoints => {
  for (const point of points) expansion.expand(point, figures);
  return figures;
};

const setReferencePosition = async ({ tx, schema }: ProjectionContext, position: Position): Promise<void> => {
  await tx.query(`delete from ${schema}.figure_state`);
  await tx.query(`insert into ${schema}.figure_state (reference_position) values ($1)`, [position]);
};

const bulk = (judges: Judges, coarseFrom: number): BulkLoad => ({
  async addStreams(whole, context) {
    const points = await writeRegisters(whole, new Map(), context);
    const expansion = await expansionAt(context, countsByOwner(points).keys(), context.upTo, judges);
    await stagePoints(context, expandAll(points.map(([, , point]) => point), expansion));
    const references = [...whole].filter(([id]) => isReference(id)).flatMap(([, facts]) => facts.map(({ position }) => position));
    if (references.length > 0) {
      await context.tx.copy({ table: `${context.schema}.figure_state`, columns: ['reference_position'], rows: [[Math.max(...references)]] });
    }
  },
  async finish(context) {
    await buildRollUps(context, await referenceParents(context, context.upTo), coarseFrom);
  },
  finishes: figureTables.map(({ name }) => name),
});

/**
 * Issues, measures and funds: their registers of rectangles, the signed points of these, and the roll-ups of the points (docs/adr/0005, docs/adr/0010). One projection, so that a
 * dashboard and the list behind it rest on the same events.
 * `zone`: in which days become known; `coarseFrom`: points from which an organisation without children has coarse cells too.
 */
export const registerProjection = (zone: string, coarseFrom: number = coarseFromPoints): Projection => {
  const judges = new Judges(dayNumbersIn(zone));
  return defineProjection<TrackingEvent>({
    name: 'registers',
    version: 4,
    streamPrefix: '',
    isIndispensable: isReferenceStream,
    tables: [
      ...registers.flatMap((register) => [rowTableOf(register), viewTableOf(register.kind), nameTableOf(register)]), linkTableOf('measure'), linkTableOf('funds'), pointTable, ...figureTables,
    ],
    async apply(facts, context) {
      const batch = byStream(facts);
      const ofRegisters = new Map([...batch].filter(([id]) => registers.some(({ streamPrefix }) => id.startsWith(streamPrefix))));
      const earlier = await context.earlier(begunEarlier(ofRegisters));
      const anew = [...ofRegisters].filter(([id, added]) => added.some(isPurge) || hasGap(earlier.get(id) ?? [], added)).map(([id]) => id);
      const removed = await forgotten(anew, context);
      const made = await writeRegisters(new Map([...ofRegisters].filter(([id]) => !anew.includes(id))), earlier, context);
      if (anew.length > 0) made.push(...await writeRegisters(await context.streams(anew, context.upTo), new Map(), context));
      const counts = countsByOwner(made);
      for (const { orgId } of removed) counts.set(orgId, (counts.get(orgId) ?? 0) - 1);
      const references = [...batch.keys()].filter(isReference);
      if (counts.size === 0 && references.length === 0) return;
      // What stood before the batch is taken away by the policies of then, and comes again by them where it is made anew: judgeAnew finds it so.
      const ofPositions = (holds: (at: Position) => boolean): readonly CellPoint[] => made.filter(([at]) => holds(at)).map(([, , point]) => point);
      const figures = expandAll(ofPositions((at) => at > context.after), await expansionAt(context, counts.keys(), context.upTo, judges));
      const then = [...removed, ...ofPositions((at) => at <= context.after)];
      if (then.length > 0) expandAll(then, await expansionAt(context, counts.keys(), context.after, judges), figures);
      const rollUp = new RollUp(context, coarseFrom);
      await rollUp.load([...counts.keys()]);
      if (anew.length > 0 || changesPlaces(batch.get(administrativeTree) ?? [])) await rollUp.moveTo(await referenceParents(context, context.upTo));
      await rollUp.add(figures, counts);
      await judgeAnew(rollUp, references, context, judges);
      if (references.length > 0) await setReferencePosition(context, Math.max(...references.flatMap((id) => (batch.get(id) ?? []).map(({ position }) => position))) as Position);
    },
    bulk: bulk(judges, coarseFrom),
  });
};
