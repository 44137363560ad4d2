import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newCommandId } from '@rectrail/event-store';
import { onDay, type Day, type EventId, type IssueId, type OrgId, type StreamId } from '@rectrail/kernel';
import { reminderIdOf, streams } from '@rectrail/tracking-domain';
import { commandDefinitions, definitionOfPath } from './command-table.ts';
import { actorOf, openPlace, openWriteSide, registerIssue, subscriptionsMax, type Place, type WriteSide } from './testing/write-side.ts';

// Goal: every row of the table turns its body into the event that it is for. Method: each is carried out once in a state that allows it
// and the event written last is compared; the last test says which rows were left out.
let side: WriteSide;
let place: Place;
const carriedOut = new Set<string>();

beforeAll(async () => {
  side = await openWriteSide();
  place = await openPlace(side);
});
afterAll(() => side.close());

const run = async (path: string, body: object = {}, by = actorOf('clerk', place.region)): Promise<string> => {
  const { definition, id } = definitionOfPath(path)!;
  carriedOut.add(definition.name);
  const stream = definition.stream === null || id === null ? null : definition.stream(id);
  const ifMatch = definition.ifMatch === 'required' && stream !== null ? { ifMatch: (await side.store.readStream(stream)).version } : {};
  return (await side.post(path, body, { by, ...ifMatch })).id;
};
const written = async (path: string, body: object = {}, by?: ReturnType<typeof actorOf>): Promise<unknown> => {
  await run(path, body, by);
  return (await side.facts()).at(-1)?.event;
};
const june = expect.objectContaining({ first: '2026-06-01', last: '2026-06-30' });
const administrator = (): ReturnType<typeof actorOf> => actorOf('admin', null);

describe('organisations, policies, calendar', () => {
  it('a unit is registered, renamed, moved, merged, dissolved', async () => {
    const unit = await run('/organisations', { code: 'U-1', name: '某站', level: 'unit', parent: 'CN-1-JT' });
    const old = await run('/organisations', { code: 'U-2', name: '旧站', level: 'unit', parent: place.bureau });
    expect(await written(`/organisations/${unit}/rename`, { name: '某中心', code: 'U-9' })).toEqual({ type: 'OrgRenamed', data: { orgId: unit, name: '某中心', code: 'U-9' } });
    expect(await written('/organisations/U-9/move', { parent: 'CN-1-SW' })).toEqual({ type: 'OrgMoved', data: { orgId: unit, parentId: place.other } });
    expect(await written(`/organisations/${old}/merge`, { successor: 'U-9' })).toEqual({ type: 'OrgMerged', data: { orgId: old, successorId: unit } });
    expect(await written(`/organisations/${unit}/dissolve`)).toEqual({ type: 'OrgDissolved', data: { orgId: unit } });
    expect((await side.facts()).at(-1)?.scope.orgId).toBe(unit);
  });

  it('a tree is opened, and an organisation placed in it', async () => {
    const treeId = await run('/trees', { jurisdiction: '某市', kind: 'party' }, administrator());
    expect((await side.facts()).at(-1)?.event).toEqual({ type: 'TreeOpened', data: { treeId, jurisdiction: '某市', kind: 'party' } });
    expect(await written('/organisations/CN-1/place', { tree: treeId, parent: null }, administrator()))
      .toEqual({ type: 'OrgRegistered', data: { orgId: place.region, code: 'CN-1', name: '某市委', level: 'city', parentId: null } });
  });

  it('policies are adopted, the calendar is set', async () => {
    const policy = { name: '某市', buckets: [{ when: { state: ['DONE_REPORTED'] }, bucket: 'complete' }, { when: {}, bucket: 'open' }], dueSoon: { days: 20, unit: 'working' }, lights: [], approvers: [] };
    expect(await written(`/organisations/${place.other}/policy`, { ...policy, on: '2026-01-01' })).toEqual({ type: 'PolicyAdopted', data: { ...policy, orgId: place.other } });
    expect(await written('/policies/default', policy, administrator())).toEqual({ type: 'PolicyAdopted', data: { ...policy, orgId: null } });
    expect((await side.facts()).at(-1)?.validTime).not.toBeNull();
    expect(await written('/calendar-years', { year: 2026, workingDays: ['2026-01-05'] }, administrator())).toEqual({ type: 'CalendarYearSet', data: { year: 2026, workingDays: ['2026-01-05'] } });
    expect((await side.facts()).at(-1)?.validTime).toBeNull();
  });
});

describe('inspections and plans', () => {
  it('an inspection runs its course', async () => {
    const id = await run('/inspections', { org: 'CN-1-SW', kind: 'XUNSHI', types: ['SPECIAL'], title: '专项巡视', committee: '某市委', round: 5, on: '2026-01-05' });
    expect((await side.facts()).at(-1)?.event).toEqual({
      type: 'InspectionOpened',
      data: { inspectionId: id, orgId: place.other, kind: 'XUNSHI', types: ['SPECIAL'], title: '专项巡视', committee: '某市委', topic: null, term: null, round: 5 },
    });
    expect(await written(`/inspections/${id}/assign-team`, { team: '第三巡察组' })).toEqual({ type: 'TeamAssigned', data: { team: '第三巡察组' } });
    expect(await written(`/inspections/${id}/start-fieldwork`)).toEqual({ type: 'FieldworkStarted', data: {} });
    expect(await written(`/inspections/${id}/end-fieldwork`)).toEqual({ type: 'FieldworkEnded', data: {} });
    expect(await written(`/inspections/${id}/attach-special-check`, { topic: '选人用人' })).toEqual({ type: 'SpecialCheckAttached', data: { topic: '选人用人' } });
    expect(await written(`/inspections/${id}/link-previous-round`, { inspectionId: place.inspection })).toEqual({ type: 'PreviousRoundLinked', data: { inspectionId: place.inspection } });
    expect(await written(`/inspections/${id}/deliver-feedback`, { recommendations: 4 })).toEqual({ type: 'FeedbackDelivered', data: { recommendations: 4 } });
  });

  it('a plan is drafted, submitted, returned, revised, consented to, issued', async () => {
    const issue = await registerIssue(side, place, '30.');
    const team = actorOf('team', place.region, 'inspection-team');
    await side.post(`/organisations/${place.bureau}/policy`, { name: '局', buckets: [{ when: {}, bucket: 'open' }], dueSoon: { days: 5, unit: 'calendar' }, lights: [], approvers: ['inspection-team'], on: '2026-01-01' });
    const plan = await run('/plans', { inspectionId: place.inspection, title: '方案', issueIds: [issue] });
    expect(await written(`/plans/${plan}/submit`)).toEqual({ type: 'PlanSubmitted', data: { approvers: ['inspection-team'] } });
    expect(await written(`/plans/${plan}/return`, { reason: '措施不实' }, team)).toEqual({ type: 'PlanReturned', data: { approver: 'inspection-team', reason: '措施不实' } });
    expect(await written(`/plans/${plan}/revise`, { title: '方案（修订）', issueIds: [issue] })).toEqual({ type: 'PlanRevised', data: { title: '方案（修订）', issueIds: [issue] } });
    await run(`/plans/${plan}/submit`);
    expect(await written(`/plans/${plan}/consent`, {}, team)).toEqual({ type: 'PlanConsented', data: { approver: 'inspection-team' } });
    expect(await written(`/plans/${plan}/issue`)).toEqual({ type: 'PlanIssued', data: { version: 1 } });
    await side.post(`/organisations/${place.bureau}/policy`, { name: '局', buckets: [{ when: {}, bucket: 'open' }], dueSoon: { days: 5, unit: 'calendar' }, lights: [], approvers: [] });
  });
});

describe('issues', () => {
  const started = async (number: string): Promise<string> => {
    const id = await registerIssue(side, place, number);
    await run(`/issues/${id}/accept`);
    await run(`/issues/${id}/mark-immediate`);
    return id;
  };

  it('register, with everything that a report prints of it', async () => {
    const body = { inspectionId: place.inspection, org: 'CN-1-JT', numberPath: ['二、', '(一)', '3.', '一是'], aspect: '党的领导', heading: '关于问题', title: '学习不深', strand: '专项', annex: true, track: 'LONG_TERM', assisting: ['CN-1-SW'], on: '2026-02' };
    const id = await run('/issues', body);
    expect((await side.facts()).at(-1)?.event).toEqual({
      type: 'IssueRegistered',
      data: {
        issueId: id, orgId: place.bureau, inspectionId: place.inspection, numberPath: body.numberPath, numberKey: '0002.0001.0003.0001', aspect: '党的领导', heading: '关于问题',
        title: '学习不深', strand: '专项', annex: true, track: 'LONG_TERM', assistingOrgIds: [place.other],
      },
    });
  });

  it('register, in an annex, whose mark is no number', async () => {
    const { data } = (await written('/issues', { inspectionId: place.inspection, numberPath: ['附件、', '(一)', '1.'], title: '问题' })) as { readonly data: { readonly numberKey: string } };
    expect(data.numberKey).toBe('附件.0001.0001');
  });

  it('planning', async () => {
    const id = await registerIssue(side, place, '31.');
    expect(await written(`/issues/${id}/accept`, { leader: 'p-1' })).toEqual({ type: 'IssueAccepted', data: { leader: 'p-1' } });
    expect(await written(`/issues/${id}/assign`, { leader: 'p-2', department: 'CN-1-JT' })).toEqual({ type: 'IssueAssigned', data: { leader: 'p-2', departmentOrgId: place.bureau } });
    expect(await written(`/issues/${id}/deadline`, { planned: '2026-05' })).toMatchObject({ type: 'DeadlineSet', data: { planned: { last: '2026-05-31' } } });
    expect(await written(`/issues/${id}/extend-deadline`, { planned: { value: '2026-06', commitment: 'striving' }, reason: '疫情', askedBy: 'CN-1-JT' }))
      .toEqual({ type: 'DeadlineExtended', data: { planned: expect.objectContaining({ last: '2026-06-30', commitment: 'striving' }), reason: '疫情', askedBy: place.bureau } });
    expect(await written(`/issues/${id}/key-and-hard`)).toEqual({ type: 'IssueMarkedKeyAndHard', data: {} });
    expect(await written(`/issues/${id}/classify-long-term`, { reason: '需长期坚持' })).toEqual({ type: 'IssueClassifiedLongTerm', data: { reason: '需长期坚持' } });
    await run('/measures', { issueIds: [id], title: '措施' });
    expect(await written(`/issues/${id}/plan`)).toEqual({ type: 'IssuePlanned', data: { planId: null } });
    expect(await written(`/issues/${id}/start`)).toEqual({ type: 'RectificationStarted', data: {} });
    expect(await written(`/issues/${id}/phase-result`, { result: '成效', nextStep: '继续' })).toEqual({ type: 'PhaseResultReported', data: { result: '成效', nextStep: '继续' } });
    expect(await written(`/issues/${id}/routine`, { continuation: 'KEEP_PUSHING', lookBackOn: '2026-06' }, actorOf('above', place.region)))
      .toEqual({ type: 'IssueMovedToRoutine', data: { continuation: 'KEEP_PUSHING', lookBackOn: june } });
  });

  it('working', async () => {
    const id = await started('32.');
    expect(await written(`/issues/${id}/progress`, { text: '进展' })).toEqual({ type: 'ProgressReported', data: { text: '进展' } });
    expect(await written(`/issues/${id}/next-step`, { text: '下一步', planned: '2026-06' })).toEqual({ type: 'NextStepStated', data: { text: '下一步', planned: june } });
    expect(await written(`/issues/${id}/complete-phase`, { result: '阶段性完成', nextStep: '继续' })).toEqual({ type: 'PhaseCompleted', data: { result: '阶段性完成', nextStep: '继续' } });
    expect(await written(`/issues/${id}/basic-completion`, { residuals: [{ key: '③', printed: '③计划6月底前完成', planned: '2026-06' }] }))
      .toEqual({ type: 'IssueBasicallyCompleted', data: { residuals: [{ key: '③', printed: '③计划6月底前完成', planned: june }] } });
    expect(await written(`/issues/${id}/complete-residual`, { key: '③' })).toEqual({ type: 'ResidualCompleted', data: { key: '③' } });
    expect(await written(`/issues/${id}/sub-findings`, { found: 375, fixed: 374, unit: '项', categories: 6 })).toEqual({ type: 'SubFindingsTallied', data: { found: 375, fixed: 374, unit: '项', categories: 6 } });
    expect(await written(`/issues/${id}/continuation`, { continuation: 'FOLLOW_UP', text: '跟踪', until: '2026-06' })).toEqual({ type: 'ContinuationCommitted', data: { continuation: 'FOLLOW_UP', text: '跟踪', until: june } });
    expect(await written(`/issues/${id}/completion`, { basis: 'MERGED', result: '已整改', openSubFindings: '余1项' }))
      .toEqual({ type: 'IssueCompletionReported', data: { basis: 'MERGED', result: '已整改', openSubFindings: '余1项' } });
    const other = await registerIssue(side, place, '33.');
    expect(await written(`/issues/${id}/link-duplicate`, { issueId: other })).toEqual({ type: 'DuplicateIssueLinked', data: { issueId: other } });
    expect(await written(`/issues/${id}/link-recurrence`, { previousIssueId: other })).toEqual({ type: 'RecurrenceLinked', data: { previousIssueId: other } });
  });

  it('judging', async () => {
    const above = actorOf('above', place.region);
    const id = await started('34.');
    await run(`/issues/${id}/completion`);
    expect(await written(`/issues/${id}/return`, { reason: '效果不好' }, above)).toEqual({ type: 'IssueVerificationRejected', data: { reason: '效果不好' } });
    await run(`/issues/${id}/completion`);
    expect(await written(`/issues/${id}/verify`, { record: '记录', evidence: ['照片'] }, above)).toEqual({ type: 'IssueVerified', data: { record: '记录', evidence: ['照片'] } });
    const endorsements = [{ kind: 'MAIN', by: 'p-1' }, { kind: 'SUPERVISING', by: 'p-2' }, { kind: 'EXECUTING', by: 'p-3' }];
    expect(await written(`/issues/${id}/write-off`, { slip: '销号单', endorsements }, above)).toEqual({ type: 'IssueWrittenOff', data: { slip: '销号单', endorsements } });
    expect(await written(`/issues/${id}/look-back`, { result: 'PARTLY', sample: '抽查3项' }, above)).toEqual({ type: 'LookBackChecked', data: { result: 'PARTLY', sample: '抽查3项' } });
    expect(await written(`/issues/${id}/revoke-write-off`, { reason: '纸上销号' }, above)).toEqual({ type: 'WriteOffRevoked', data: { reason: '纸上销号' } });
    expect(await written(`/issues/${id}/resume`, { planned: '2026-06' })).toEqual({ type: 'RectificationResumed', data: { planned: june } });
    await run(`/issues/${id}/completion`);
    expect(await written(`/issues/${id}/reopen`, { kind: 'POOR_EFFECT', finding: '效果不好' }, above)).toEqual({ type: 'IssueReopened', data: { kind: 'POOR_EFFECT', finding: '效果不好' } });
    expect(await written(`/issues/${id}/transfer-out`, { to: '某村委', basis: '移交协议' })).toEqual({ type: 'IssueTransferredOut', data: { to: '某村委', basis: '移交协议' } });
  });
});

describe('measures', () => {
  it('serve issues and run their course', async () => {
    const [one, two] = [await registerIssue(side, place, '40.'), await registerIssue(side, place, '41.')];
    const measure = await run('/measures', { issueIds: [one, one], title: '建章立制', marker: '①', planned: '2026-06' });
    const facts = await side.facts();
    expect(facts.slice(-2).map(({ event }) => event)).toEqual([
      { type: 'MeasurePlanned', data: { measureId: measure, orgId: place.bureau, inspectionId: place.inspection, issueIds: [one], marker: '①', title: '建章立制', planned: june } },
      { type: 'IssueMeasuresAdded', data: { measureIds: [measure] } },
    ]);
    await run(`/measures/${measure}/link`, { issueId: two });
    expect((await side.facts()).slice(-2).map(({ event, streamId }) => [streamId, event])).toEqual([
      [`measure-${measure}`, { type: 'MeasureLinkedToIssue', data: { issueId: two } }],
      [`issue-${two}`, { type: 'IssueMeasuresAdded', data: { measureIds: [measure] } }],
    ]);
    expect(await written(`/measures/${measure}/progress`, { text: '进展' })).toEqual({ type: 'MeasureProgressed', data: { text: '进展' } });
    expect(await written(`/measures/${measure}/suspend`, { cause: '疫情' })).toEqual({ type: 'MeasureSuspended', data: { cause: '疫情' } });
    expect(await written(`/measures/${measure}/resume`)).toEqual({ type: 'MeasureResumed', data: {} });
    expect(await written(`/measures/${measure}/standing`, { frequency: 'MONTHLY' })).toEqual({ type: 'MeasureMadeStanding', data: { frequency: 'MONTHLY' } });
    const [done, dropped] = [await run('/measures', { issueIds: [one], title: '甲' }), await run('/measures', { issueIds: [one], title: '乙' })];
    expect(await written(`/measures/${done}/complete`, { result: '完成', evidence: ['收据'] })).toEqual({ type: 'MeasureCompleted', data: { result: '完成', evidence: ['收据'] } });
    expect(await written(`/measures/${dropped}/withdraw`, { reason: '重复' })).toEqual({ type: 'MeasureWithdrawn', data: { reason: '重复' } });
  });
});

describe('funds cases, reports, metrics', () => {
  it('a discrepancy of a published report is explained', async () => {
    const reportId = 'aaaaaaaa-0000-8000-8000-000000000001';
    const published = {
      reportId, orgId: place.bureau, inspectionIds: [place.inspection], title: '整改情况通报', asOf: '2026-02-01', asOfPrinted: null, publishedOn: '2026-02-10', url: null,
    };
    await side.runner.run({ commandId: newCommandId(side.now), correlationId: 'spec' }, (unit) => {
      unit.stage(`report-${reportId}` as StreamId, [{
        event: { type: 'ReportPublished', data: published }, actor: administrator(), scope: { orgId: place.bureau as OrgId }, validTime: onDay('2026-02-10' as Day), knownTime: null, classification: 'public',
      }]);
      return Promise.resolve();
    });
    expect(await written(`/reports/${reportId}/explain-discrepancy`, { discrepancyKey: 'issues.total', explanation: '部分问题不公开' }))
      .toEqual({ type: 'DiscrepancyExplained', data: { discrepancyKey: 'issues.total', explanation: '部分问题不公开' } });
  });

  it('money is identified, recovered, returned, specified, reversed, linked', async () => {
    const [fundsCase, other] = [
      await run('/funds-cases', { org: 'CN-1-JT', inspectionId: place.inspection, money: { fen: '100', approx: true }, kind: 'FESTIVAL_MONEY' }), await run('/funds-cases', { org: 'CN-1-JT', money: { fen: '1' }, kind: 'OTHER' }),
    ];
    const paid = { fundsCaseId: fundsCase, orgId: place.bureau, inspectionId: place.inspection, issueIds: [], kind: 'FESTIVAL_MONEY' };
    expect(await written(`/funds-cases/${fundsCase}/recover`, { money: { fen: null, printed: '全额' }, voucher: '收据1' })).toEqual({ type: 'FundsRecovered', data: { ...paid, money: { fen: null, printed: '全额' }, voucher: '收据1' } });
    const recovery = (await side.facts()).at(-1)!.eventId;
    expect(await written(`/funds-cases/${fundsCase}/specify-amount`, { of: recovery, money: { fen: '100' } })).toEqual({ type: 'RecoveryAmountSpecified', data: { of: recovery, money: { fen: '100' } } });
    expect(await written(`/funds-cases/${fundsCase}/reverse`, { of: recovery, reason: '退票' })).toEqual({ type: 'RecoveryReversed', data: { of: recovery, reason: '退票' } });
    expect(await written(`/funds-cases/${fundsCase}/return`, { money: { fen: '5' } })).toEqual({ type: 'FundsReturned', data: { ...paid, money: { fen: '5' }, voucher: null } });
    expect(await written(`/funds-cases/${fundsCase}/link-duplicate`, { otherCaseId: other, note: '同一笔款' })).toEqual({ type: 'FundsDuplicateLinked', data: { otherCaseId: other, statedBy: 'PERSON', note: '同一笔款' } });
  });

  it('a metric is defined, observed, given a target', async () => {
    const metric = await run('/metrics', { org: 'CN-1-JT', code: 'patrols', name: '巡查', unit: '次', direction: 'up' });
    const quantity = { value: '12', unit: '次', qualifier: 'exact' };
    expect(await written(`/metrics/${metric}/observe`, { quantity: { value: '12', unit: '次' }, period: '2026-06', attributes: { method: '四不两直' } }))
      .toEqual({ type: 'MetricObserved', data: { quantity, period: june, printed: null, attributes: { method: '四不两直' } } });
    expect(await written(`/metrics/${metric}/target`, { quantity, planned: '2026-06' })).toEqual({ type: 'MetricTargetSet', data: { quantity, planned: june } });
  });
});

describe('reminders', () => {
  it('a receipt is confirmed by the role of the token, or on behalf of a recipient', async () => {
    const issueId = await registerIssue(side, place, '50.') as IssueId;
    const orgId = place.bureau as OrgId;
    const reminderId = reminderIdOf(orgId, 2026, 1);
    const data = {
      reminderId, orgId, issueId, year: 2026, number: 1, colour: 'red', deadline: '2026-02-28' as Day, daysLeft: -1, reopenings: 0, recipients: ['clerk', 'head'], policyEventId: issueId as string as EventId,
    } as const;
    await side.runner.run({ commandId: newCommandId(side.now), correlationId: 'spec' }, (unit) => {
      unit.stage(streams.reminders(orgId), [{ event: { type: 'ReminderIssued', data }, actor: administrator(), scope: { orgId }, validTime: onDay('2026-03-01' as Day), knownTime: null, classification: 'internal' }]);
      return Promise.resolve();
    });
    const confirm = `/reminders/${reminderId}/confirm-receipt`;
    expect(await written(confirm, {}, actorOf('clerk', place.bureau, 'clerk'))).toEqual({ type: 'ReminderReceiptConfirmed', data: { reminderId, recipient: 'clerk' } });
    expect(await written(confirm, { recipient: 'head' })).toEqual({ type: 'ReminderReceiptConfirmed', data: { reminderId, recipient: 'head' } });
    expect((await side.refused(confirm, { recipient: 'deputy' })).code).toBe('not-a-recipient');
    expect((await side.refused(confirm, {}, { by: actorOf('stranger', place.other) })).code).toBe('outside-jurisdiction');
    for (const id of [reminderIdOf(orgId, 2026, 2), reminderIdOf(place.other as OrgId, 2026, 1), 'x']) expect((await side.refused(`/reminders/${id}/confirm-receipt`)).code).toBe('unknown-reminder');
    const retract = { reason: '误发', kind: 'withdrawn' };
    const issued = (await side.facts()).find(({ event }) => event.type === 'ReminderIssued')!.eventId;
    expect((await side.refused('/retractions', { eventIds: [issued], ...retract })).code).toBe('built-upon');
    await side.post('/retractions', { eventIds: [issued], ...retract, withDependents: true });
    expect((await side.refused(confirm)).code).toBe('unknown-reminder');
  });
});

describe('purges', () => {
  const grounds = { reason: 'PERSONAL_INFORMATION', legalBasis: '《中华人民共和国个人信息保护法》第四十七条' };
  const clerk = () => actorOf('clerk', place.bureau);
  /** Of a progress that was corrected afterwards. */
  const corrected = async (number: string): Promise<{ readonly eventId: EventId; readonly position: number; readonly stream: StreamId }> => {
    const id = await registerIssue(side, place, number);
    await side.post(`/issues/${id}/progress`, { text: '某人的住址' });
    const { eventId, position, streamId: stream } = (await side.facts()).at(-1)!;
    await side.post('/corrections', { retract: [eventId], reason: '含个人信息', kind: 'entered-in-error', command: { name: 'ReportProgress', target: id, body: { text: '已办理' } } },
      { ifMatch: (await side.store.readStream(stream)).version });
    return { eventId, position, stream };
  };

  it('are asked for by one person and agreed to by another: the content is gone, its place and its hash stay', async () => {
    const { eventId, position, stream } = await corrected('60.');
    const whole = (await side.store.readStream(stream)).events;
    const id = await run('/purges', { eventIds: [eventId], ...grounds }, clerk());
    expect((await side.facts()).at(-1)).toMatchObject({
      streamId: `purge-${id}`, scope: { orgId: place.bureau }, validTime: null,
      event: { type: 'PurgeRequested', data: { purgeId: id, streamId: stream, targets: [{ eventId, position, contentSha256: expect.any(String) }], ...grounds } },
    });
    expect((await side.refused(`/purges/${id}/consent`, {}, { by: clerk(), ifMatch: 1 })).code).toBe('administrator-only');
    expect((await side.refused(`/purges/${id}/consent`, {}, { by: administrator() })).code).toBe('precondition-required');
    expect(await side.store.readStream(stream)).toMatchObject({ events: whole });
    await run(`/purges/${id}/consent`, {}, administrator());
    const { events } = await side.store.readStream(stream);
    expect(events.slice(0, -1).map((event) => event.content === '')).toEqual(whole.map((event) => event.position === position));
    expect((await side.facts()).at(-1)).toMatchObject({ streamId: stream, actor: { subject: 'admin' }, event: { type: 'ContentPurged', data: { purgeId: id, eventId, position, ...grounds } } });
    expect((await side.refused(`/purges/${id}/consent`, {}, { by: administrator(), ifMatch: 2 })).code).toBe('purge-settled');
    expect((await side.refused(`/purges/${id}/decline`, {}, { by: administrator() })).code).toBe('purge-settled');
    expect((await side.refused('/purges', { eventIds: [eventId], ...grounds }, { by: clerk() })).code).toBe('unknown-event');
    // The stream goes on as it was, and its purge stands for good.
    await side.post(`/issues/${stream.slice('issue-'.length)}/accept`);
    const purge = (await side.facts()).findLast((fact) => fact.event.type === 'ContentPurged')!.eventId;
    expect((await side.refused('/retractions', { eventIds: [purge], reason: '误', kind: 'entered-in-error' })).code).toBe('purge-final');
  });

  it('need two persons, and a content that counts no more', async () => {
    const { eventId } = await corrected('61.');
    const other = actorOf('deputy', null);
    const id = (await side.post('/purges', { eventIds: [eventId], ...grounds }, { by: other })).id;
    expect((await side.refused(`/purges/${id}/consent`, {}, { by: other, ifMatch: 1 })).code).toBe('consent-by-requester');
    expect(await written(`/purges/${id}/decline`, {}, clerk())).toEqual({ type: 'PurgeDeclined', data: {} });
    const standing = (await side.facts()).findLast((fact) => fact.event.type === 'ProgressReported')!;
    expect((await side.refused('/purges', { eventIds: [standing.eventId], ...grounds }, { by: clerk() })).code).toBe('purge-of-standing');
    const retraction = (await side.facts()).findLast((fact) => fact.event.type === 'FactsRetracted')!;
    expect((await side.refused('/purges', { eventIds: [retraction.eventId], ...grounds }, { by: clerk() })).code).toBe('not-purgeable');
    expect((await side.refused('/purges', { eventIds: [eventId, (await corrected('62.')).eventId], ...grounds })).code).toBe('not-purgeable');
    const [installed] = await side.facts();
    expect((await side.refused('/purges', { eventIds: [installed!.eventId], ...grounds })).code).toBe('not-purgeable');
    expect((await side.refused('/purges', { eventIds: [eventId], ...grounds }, { by: actorOf('stranger', place.other) })).code).toBe('outside-jurisdiction');
    expect((await side.refused('/purges', { eventIds: [eventId], ...grounds, legalBasis: '张某 13800138000' })).code).toBe('personal-data-in-text');
    expect((await side.refused('/purges/x/decline')).code).toBe('unknown-purge');
  });

  it('are refused where the store keeps every content for good', async () => {
    const { eventId } = await corrected('64.');
    // As the adapter for KurrentDB says of itself.
    const capabilities = jest.replaceProperty(side.store, 'capabilities', { ...side.store.capabilities, purges: false });
    expect((await side.refused('/purges', { eventIds: [eventId], ...grounds })).code).toBe('purge-unsupported');
    capabilities.restore();
  });

  it('are not carried out once the content counts again', async () => {
    const { eventId, stream } = await corrected('63.');
    const id = (await side.post('/purges', { eventIds: [eventId], ...grounds }, { by: clerk() })).id;
    const retraction = (await side.facts()).findLast((fact) => fact.event.type === 'FactsRetracted')!;
    await side.post('/retractions', { eventIds: [retraction.eventId], reason: '误', kind: 'entered-in-error' });
    expect((await side.refused(`/purges/${id}/consent`, {}, { by: administrator(), ifMatch: 1 })).code).toBe('purge-of-standing');
    expect((await side.store.readStream(stream)).events.every(({ content }) => content !== '')).toBe(true);
  });
});

describe('subscriptions', () => {
  const endpoint = 'https://dashboard.example.org/hooks';

  it('are made by whose they are, for their own subtree, and go through their life without a day', async () => {
    const id = await run('/subscriptions', { endpoint, audience: 'internal', nouns: ['issues'], subtreeOf: 'CN-1-JT' });
    expect((await side.facts()).at(-1)).toMatchObject({
      event: { type: 'SubscriptionCreated', data: { subscriptionId: id, orgId: place.region, endpoint, audience: 'internal', nouns: ['issues'], types: null, subtreeOf: place.bureau, levels: null, after: null } },
      scope: { orgId: place.region }, validTime: null,
    });
    expect(await written(`/subscriptions/${id}/pause`)).toEqual({ type: 'SubscriptionPaused', data: {} });
    expect(await written(`/subscriptions/${id}/resume`)).toEqual({ type: 'SubscriptionResumed', data: {} });
    expect(await written(`/subscriptions/${id}/rotate-secret`)).toEqual({ type: 'SubscriptionSecretRotated', data: {} });
    expect(await written(`/subscriptions/${id}/delete`)).toEqual({ type: 'SubscriptionDeleted', data: {} });
    expect((await side.refused(`/subscriptions/${id}/resume`)).code).toBe('subscription-deleted');
  });

  it('hear of no stranger, and of everything only an administrator\'s does', async () => {
    const by = actorOf('clerk', place.bureau);
    expect((await side.refused('/subscriptions', { endpoint, audience: 'public', org: 'CN-1-SW' }, { by })).code).toBe('outside-jurisdiction');
    expect(await side.refused('/subscriptions', { endpoint, audience: 'public', subtreeOf: 'CN-1-SW' }, { by })).toMatchObject({ code: 'outside-jurisdiction', errors: [{ pointer: '/subtreeOf' }] });
    const everything = await run('/subscriptions', { endpoint, audience: 'public', after: 5 }, administrator());
    expect((await side.facts()).at(-1)?.scope).toEqual({ orgId: null });
    expect((await side.refused(`/subscriptions/${everything}/pause`, {}, { by })).code).toBe('administrator-only');
  });

  it('begin at no position that is yet to come', async () => {
    expect(await side.refused('/subscriptions', { endpoint, audience: 'public', after: 1_000_000 })).toMatchObject({ code: 'position-unknown', errors: [{ pointer: '/after' }] });
  });

  it('are no more than there may be', async () => {
    const made = (await side.facts()).filter(({ event }) => event.type === 'SubscriptionCreated').length;
    const body = { endpoint, audience: 'public' };
    for (let n = made; n < subscriptionsMax - 2; n++) await run('/subscriptions', body);
    const one = { name: 'CreateSubscription', body };
    await expect(side.batch({ commands: [one, one, one] })).rejects.toMatchObject({ code: 'too-many-subscriptions', errors: [{ pointer: '/commands/2' }] });
    const atOnce = await Promise.allSettled(Array.from({ length: 5 }, () => side.post('/subscriptions', body)));
    expect(atOnce.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const [last] = (await side.facts()).filter(({ event }) => event.type === 'SubscriptionCreated').slice(-1);
    expect((await side.post('/subscriptions', body, { commandId: last!.commandId })).outcome.repeated).toBe(true);
    expect(await side.refused('/subscriptions', { endpoint, audience: 'public' })).toMatchObject({ code: 'too-many-subscriptions', detail: expect.stringContaining('RECTRAIL_WEBHOOK_SUBSCRIPTIONS_MAX') });
  });

  it('that are gone do not come back beside those made since: neither their deletion nor the retraction of their creation is taken back', async () => {
    const latest = async (type: string): Promise<string> => (await side.facts()).findLast(({ event }) => event.type === type)!.eventId;
    const takeBack = (eventId: string): ReturnType<typeof side.refused> => side.refused('/retractions', { eventIds: [eventId], kind: 'entered-in-error', reason: '误操作' });
    const created = (await side.facts()).findLast(({ event }) => event.type === 'SubscriptionCreated')!;
    await side.post('/retractions', { eventIds: [created.eventId], reason: '误操作' });
    expect((await takeBack(await latest('FactsRetracted'))).code).toBe('subscription-deleted');
    const paused = (await side.facts()).findLast(({ event, streamId }) => event.type === 'SubscriptionCreated' && streamId !== created.streamId)!;
    const id = paused.streamId.slice('subscription-'.length);
    await side.post(`/subscriptions/${id}/pause`, {});
    await side.post('/retractions', { eventIds: [await latest('SubscriptionPaused')], reason: '误操作' });
    await side.post(`/subscriptions/${id}/delete`, {});
    expect((await takeBack(await latest('SubscriptionDeleted'))).code).toBe('subscription-deleted');
  });

  it('go nowhere where nothing may be sent', async () => {
    expect(await side.refused('/subscriptions', { endpoint: 'https://db.internal/x', audience: 'public' })).toMatchObject({ code: 'endpoint-refused', errors: [{ pointer: '/endpoint' }] });
  });
});

it('every row was carried out but retraction and correction, which have a spec of their own', () => {
  expect(commandDefinitions.map(({ name }) => name).filter((name) => !carriedOut.has(name))).toEqual(['RetractFacts', 'CorrectFacts']);
});
