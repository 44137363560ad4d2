export const languages = ['zh', 'en'] as const;
export type Language = (typeof languages)[number];

/** The language of the terminal; anything but Chinese is answered in English. */
export const languageOf = (env: Readonly<Record<string, string | undefined>>): Language => ((env['LC_ALL'] ?? env['LC_MESSAGES'] ?? env['LANG'] ?? '').startsWith('zh') ? 'zh' : 'en');

type Label = readonly [zh: string, en: string];

/** What the tables say, in both languages; values that the interface returns are keyed by themselves. */
const labels = {
  FED_BACK: ['已反馈', 'fed back'], REGISTERED: ['已认领', 'accepted'], PLANNED: ['方案已审定', 'planned'], IN_PROGRESS: ['整改中', 'in progress'], PHASED: ['阶段性完成', 'phase completed'],
  BASICALLY_DONE: ['基本完成', 'basically done'], DONE_REPORTED: ['已完成（自报）', 'done (reported)'], VERIFIED: ['验收通过', 'verified'], WRITTEN_OFF: ['已销号', 'written off'],
  REOPENED: ['反弹重开', 'reopened'], TRANSFERRED_OUT: ['已移交', 'transferred'], NOT_DISCLOSED: ['未公开', 'not disclosed'],
  SUSPENDED: ['暂缓', 'suspended'], DONE: ['已完成', 'done'], STANDING: ['长期坚持', 'standing'], WITHDRAWN: ['已撤销', 'withdrawn'],
  DONE_IN_TIME: ['按期完成', 'done in time'], DONE_LATE: ['逾期完成', 'done late'], OVERDUE: ['已逾期', 'overdue'], DUE_SOON: ['即将到期', 'due soon'], ON_TRACK: ['未到期', 'on track'],
  NO_DEADLINE: ['无期限', 'no deadline'],
  complete: ['已完成', 'complete'], open: ['未完成', 'open'], longTerm: ['长期整改', 'long-term'], notDisclosed: ['未公开', 'not disclosed'],
  new: ['新增', 'new'], changed: ['变更', 'changed'], unchanged: ['未变', 'unchanged'], removed: ['撤下', 'removed'],
  reading: ['读取', 'reading'], verifying: ['校验', 'verifying'], loading: ['恢复', 'loading'], comparing: ['比对', 'comparing'], planning: ['核对', 'planning'], appending: ['写入', 'appending'],
  count: ['数目不符', 'count differs'], rate: ['比率', 'rate'], unverifiable: ['无法核对', 'unverifiable'], missing: ['未报总数', 'not declared'], 'duplicate-money': ['资金可能重复', 'possibly counted twice'],
  noted: ['表述矛盾', 'noted'],
  issues: ['问题', 'issues'], byState: ['按状态', 'by state'], byBucket: ['按统计口径', 'by bucket'], byDeadline: ['按期限', 'by deadline'], measures: ['措施', 'measures'], total: ['合计', 'total'],
  shared: ['多个问题共用', 'shared between issues'], funds: ['资金', 'funds'], identified: ['认定', 'identified'], recovered: ['追回', 'recovered'], returned: ['退出', 'returned'],
  unknownAmounts: ['笔金额不详', 'of unknown amount'], undetermined: ['待定', 'undetermined'], declared: ['通报数', 'declared'], found: ['实列数', 'found'], difference: ['相差', 'difference'],
  cut: ['截至', 'as of'], knownAt: ['知悉截止', 'known at'], position: ['日志位置', 'position'], whole: ['全部单位', 'all organisations'], organisation: ['单位', 'organisation'], number: ['编号', 'number'],
  title: ['问题', 'issue'], state: ['状态', 'state'], bucket: ['统计归类', 'bucket'], deadline: ['期限情况', 'deadline'], due: ['期限', 'due'], daysLeft: ['剩余天数', 'days left'], id: ['标识', 'id'],
  flagged: ['须关注', 'flagged'], striving: ['力争', 'striving'], possibly: ['或为', 'possibly'], kind: ['类别', 'kind'], key: ['项目', 'key'], note: ['说明', 'note'], report: ['报告', 'report'],
  repeatedDays: ['与前一日相同的日子未列出', 'days that repeat the one before are left out'], gone: ['不再计入', 'no longer counted'], nothingChanged: ['没有问题发生变化', 'no issue changed'],
  replayEnds: ['服务端正在停止，回放到此为止', 'the server is stopping: the replay ends here'],
  completionRate: ['完成率', 'completion rate'], asKnownThen: ['各日以当日已掌握的信息为准', 'each day by what was known on it'], asKnownAtOnce: ['各日以同一时点已掌握的信息为准', 'every day by what is known at one instant'],
  before: ['此前', 'before'], after: ['此后', 'after'], change: ['增减', 'change'], absent: ['不在其中', 'not there'], 'cause-events': ['有新的记录', 'events'], 'cause-time': ['期限已到', 'time'],
  'cause-policy': ['口径变化', 'policy'], 'cause-organisation': ['隶属变化', 'organisation'],
  noMessages: ['没有消息', 'no messages'], subjects: ['数目', 'subjects'], digest: ['摘要', 'digest'],
  citation: ['文号', 'number'], light: ['灯号', 'light'], green: ['绿灯', 'green'], yellow: ['黄灯', 'yellow'], red: ['红灯', 'red'], recipients: ['发送对象', 'recipients'],
  receivedBy: ['已签收', 'confirmed by'], received: ['签收日期', 'confirmed on'], nothingDue: ['没有应发的提醒', 'no notice is due'],
  since: ['自', 'since'], notCounted: ['总数未统计', 'not counted'], code: ['代码', 'code'], level: ['层级', 'level'], dissolvedOn: ['撤销日期', 'dissolved on'], mergedInto: ['并入', 'merged into'],
  country: ['国家', 'country'], province: ['省', 'province'], municipality: ['直辖市', 'municipality'], city: ['市', 'city'], district: ['区', 'district'], county: ['县', 'county'],
  township: ['乡镇', 'township'], bureau: ['部门', 'bureau'], unit: ['单位', 'unit'], branch: ['派出机构', 'branch'],
  more: ['还有更多，续页：', 'there is more: '], recordedAt: ['记录时间', 'recorded'], known: ['知悉时间', 'known'],
  valid: ['发生时间', 'valid'], event: ['事件', 'event'], changes: ['变化', 'changes'], retracted: ['已撤回', 'retracted'], beliefs: ['各时点的认识', 'what was believed'], validFrom: ['自（含）', 'from'],
  validTo: ['至（不含）', 'until'], knownFrom: ['知悉自（含）', 'known from'], knownTo: ['知悉至（不含）', 'known until'], rows: ['记录数', 'records'], line: ['行号', 'line'], outcome: ['结果', 'outcome'], document: ['文件', 'document'],
  published: ['发布日期', 'published'], undone: ['已撤销', 'undone'], imported: ['已导入', 'imported'], nothingNew: ['内容未变，未写入任何事件', 'nothing new: no event was written'],
  dryRun: ['试运行，未写入', 'dry run, nothing stored'], takeBack: ['如需撤销：', 'take it back: '], residuals: ['遗留事项', 'residuals'], printedStatus: ['原文表述', 'printed status'],
  continuation: ['后续要求', 'continuation'], cases: ['资金事项', 'cases'], duplicates: ['可能重复', 'may be the same money'], disagreement: ['自报与认定不一致', 'claim and determination disagree'],
  KEEP_IMPLEMENTING: ['持续落实', 'keep implementing'], KEEP_PUSHING: ['持续推进', 'keep pushing'], FOLLOW_UP: ['跟踪', 'follow up'], KEEP_WATCHING: ['持续关注', 'keep watching'],
  BUILD_RULES: ['建章立制', 'build rules'], KEEP_GUIDING: ['继续指导', 'keep guiding'],
  role: ['角色', 'role'], subject: ['持有人', 'subject'], created: ['创建', 'created'], expires: ['到期', 'expires'], revoked: ['已吊销', 'revoked'], yes: ['是', 'yes'],
  structure: ['体例缺漏', 'structure'], temporal: ['时间矛盾', 'dates'], internal: ['前后不一', 'inconsistent'], status_rule: ['状态口径不一', 'status rule'], soft_arithmetic: ['测算不符', 'arithmetic'],
  duplicate_fact: ['内容重复', 'repeated'], deadlineMissing: ['未定期限', 'no deadline'], countNoted: ['数目不一', 'number'], missingNoted: ['内容缺失', 'missing'],
  events: ['事件', 'events'], organisations: ['单位', 'organisations'], inspections: ['巡视巡察', 'inspections'], reports: ['通报', 'reports'], imports: ['导入', 'imports'], span: ['时间跨度', 'span'],
  eventsPerSecond: ['每秒事件数', 'events a second'], perSecond: ['条/秒', 'events/s'], timeLeft: ['剩余', 'left'], loaded: ['已写入数据库', 'stored'],
  logId: ['日志标识', 'log'], epoch: ['日志分支', 'epoch'], root: ['根哈希', 'root'], purged: ['依法清除的内容', 'contents purged'], logKey: ['签名密钥', 'signing key'],
  noReports: ['此时尚无通报', 'no report is known'], measureBasis: ['按措施', 'by measures'], issueBasis: ['按问题', 'by issues'],
  basis: ['依据', 'from event'], endedBy: ['止于', 'ended by'], opened: ['启动', 'opened'], fieldworkStarted: ['进驻', 'fieldwork from'], fieldworkEnded: ['撤点', 'fieldwork until'],
  feedback: ['反馈', 'feedback'], merged: ['已并入他单位', 'merged'], dissolved: ['已撤销', 'dissolved'],
  daysLate: ['晚知天数', 'days late'], facts: ['条数', 'facts'], actor: ['录入人', 'recorded by'],
  '0-7': ['7天以内', 'up to 7 days'], '8-30': ['8至30天', '8 to 30 days'], '31-90': ['31至90天', '31 to 90 days'], '91-365': ['91至365天', '91 to 365 days'], '366-': ['超过一年', 'more than a year'],
  head: ['日志末位', 'head of the log'], projection: ['读模型', 'projection'], version: ['版本', 'version'], lagEvents: ['滞后（条）', 'lag in events'], lagSeconds: ['滞后（秒）', 'lag in seconds'],
  noDeadLetters: ['没有死信', 'there are no dead letters'], putAside: ['搁置时间', 'put aside'], cause: ['原因', 'cause'], recordKey: ['键', 'key'], bytes: ['字节', 'bytes'], place: ['原位置', 'lay in'],
  replayed: ['重放时间', 'replayed'], valueNotKept: ['（未保留内容）', '(the value was not kept)'],
  rebuild: ['重建', 'rebuild'], swappedAt: ['数据重建于', 'rows made'], running: ['正常', 'running'], stopped: ['已停止', 'stopped'], rebuilding: ['首次生成中', 'being made'],
  bulk: ['批量装载', 'loading'], finish: ['汇总', 'deriving'], indexes: ['建索引', 'indexing'], 'catching-up': ['追赶', 'catching up'], swapping: ['切换', 'swapping'],
  paused: ['已暂停', 'paused'], interrupted: ['已中断', 'interrupted'], leftOut: ['已跳过', 'left out of'], reason: ['理由', 'reason'],
  endpoint: ['推送地址', 'endpoint'], failures: ['连续失败次数', 'failures in a row'], nextAttempt: ['下次尝试', 'next attempt'], stoppedBefore: ['推送中止原因', 'stopped because'], selects: ['推送范围', 'selects'], publicKey: ['验签公钥', 'public key'],
  noSubscriptions: ['尚无推送订阅', 'there are no subscriptions'], shownOnce: ['密钥仅显示这一次，请妥善保存。', 'The secret is not shown again: keep it.'],
  ACTIVE: ['推送中', 'active'], PAUSED: ['已暂停', 'paused'], DISABLED: ['已停用', 'disabled'], FAILING: ['接收方持续失败', 'the receiver kept failing'],
  'audience-public': ['仅公开信息', 'public facts'], 'audience-internal': ['含内部信息', 'internal facts too'],
  sentAt: ['发送时间', 'sent'], messageType: ['消息类型', 'message'], attempt: ['第几次', 'attempt'], httpStatus: ['状态码', 'status'], milliseconds: ['耗时（毫秒）', 'ms'], answered: ['应答', 'answered'],
  delivered: ['成功', 'delivered'], failed: ['失败', 'failed'], GONE: ['接收方已不存在', 'the receiver is gone'], timeout: ['超时', 'timed out'], refused: ['地址不允许', 'address refused'],
  redelivery: ['手动重发', 'by hand'], ping: ['测试', 'test'],
  calendarAssumed: ['以下年份无工作日历，按周一至周五计：', 'no calendar known for these years, Monday to Friday assumed: '],
} as const satisfies Readonly<Record<string, Label>>;

export type LabelName = keyof typeof labels;
const isLabelName = (name: string): name is LabelName => Object.hasOwn(labels, name);

/** What it is called; a value that has no name of its own (a new state of a newer server) stands for itself. */
export const label = (language: Language, name: string): string => (isLabelName(name) ? labels[name][language === 'zh' ? 0 : 1] : name);

/** An aside: full-width brackets in Chinese. */
export const aside = (language: Language, text: string): string => (language === 'zh' ? `（${text}）` : ` (${text})`);
export const colon = (language: Language): string => (language === 'zh' ? '：' : ': ');

/** 12,345 in either language. */
export const count = (n: number): string => grouped(BigInt(n));

const fenPerYuan = 100n;
const yuanPerWan = 10_000n;

const grouped = (yuan: bigint): string => yuan.toString().replace(/\B(?=(\d{3})+$)/g, ',');
const decimals = (rest: bigint, digits: number): string => {
  const text = rest.toString().padStart(digits, '0').replace(/0+$/, '');
  return text === '' ? '' : `.${text}`;
};

/** 57,170 yuan is 5.717万元 or CNY 57,170: Chinese readers count in 万 from 10,000 on. Exact, never rounded. */
export const amount = (language: Language, fen: string): string => {
  const value = BigInt(fen);
  if (language === 'en') return `CNY ${grouped(value / fenPerYuan)}${decimals(value % fenPerYuan, 2)}`;
  const perWan = fenPerYuan * yuanPerWan;
  return value < perWan ? `${grouped(value / fenPerYuan)}${decimals(value % fenPerYuan, 2)}元` : `${grouped(value / perWan)}${decimals(value % perWan, 6)}万元`;
};

const wanOf: Readonly<Record<string, bigint>> = { '': 1n, '万': yuanPerWan, '亿': yuanPerWan * yuanPerWan };

/** 50000, 5万元, 1.2亿 in fen; null where it is no such amount or finer than a fen. */
export const fenOf = (text: string): string | null => {
  const [, whole = '', fraction = '', unit = ''] = /^(\d{1,12})(?:\.(\d{1,10}))?\s*(万|亿)?元?$/.exec(text.replaceAll(',', '').trim()) ?? [];
  const perUnit = (wanOf[unit] ?? 1n) * fenPerYuan;
  if (whole === '' || (BigInt(fraction === '' ? 0 : fraction) * perUnit) % 10n ** BigInt(fraction.length) !== 0n) return null;
  return String(BigInt(whole) * perUnit + (BigInt(fraction === '' ? 0 : fraction) * perUnit) / 10n ** BigInt(fraction.length));
};
