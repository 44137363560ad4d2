import type { Random } from './random.ts';

/** Words of an invented province; nothing here is a real place, body or text. */

const aspects = [
  '学习贯彻上级决策部署有差距', '落实主体责任不够到位', '重点领域廉洁风险突出', '执行中央八项规定精神不严', '选人用人制度执行不规范', '基层组织建设存在薄弱环节',
  '巡视巡察整改长效机制不健全', '服务群众最后一公里不畅通', '财务与资产管理不规范', '工程建设与政府采购监管缺位', '安全生产责任落实不到位', '政务公开和信访办理质量不高',
];
const subjects = [
  '津补贴发放', '公务接待', '公车使用', '项目招标投标', '专项资金拨付', '国有资产出租', '往来款清理', '干部档案管理', '支部组织生活', '民主生活会', '重大事项集体决策', '合同管理', '行政审批时限',
  '执法案卷', '内部审计', '物资采购', '食堂管理', '办公用房', '差旅费报销', '工会经费', '农村公路养护', '危房改造补助', '惠民补贴发放', '环保督察反馈事项', '防汛物资储备', '信访积案化解',
  '下属企业监管', '协会脱钩', '编外人员管理', '职称评聘', '意识形态阵地管理', '网络安全', '扶贫资产移交', '工程款结算', '质保金清退', '农民工工资保障', '校园食品安全', '医疗设备采购',
];
const faults = [
  '制度不健全', '审核把关不严', '长期未清理', '执行不到位', '监督流于形式', '底数不清', '程序不规范', '超标准列支', '手续不完备', '推进缓慢', '责任不明确', '台账缺失', '违规变通', '以会议落实会议', '未按期办结',
];
const acts = [
  '召开专题会议研究部署', '逐项核对原始凭证', '修订完善管理制度', '开展全面自查自纠', '建立月调度和销号台账', '约谈相关责任人', '组织业务培训', '委托第三方开展专项审计', '清理往来账款', '公示办理流程和时限',
  '对照清单逐条整改', '实行专班推进', '开展交叉检查', '收回违规资金并上缴财政', '完成资产盘点入账', '健全内控流程', '梳理廉政风险点', '下发整改督办单', '建立长效监管机制', '组织现场复核',
];
const effects = [
  '相关资料已归档备查', '问题已得到有效解决', '同类问题未再发生', '有关责任人已作出书面检查', '制度已印发执行', '群众满意度明显提高', '剩余事项正在按计划推进', '已形成工作闭环', '已报主管部门备案', '阶段性成效明显',
];
const adverbs = ['进一步', '及时', '全面', '重点', '集中', '分批', '联合有关部门', '按照整改方案', '结合主题教育', '在前期工作基础上'];

const numerals = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十', '十一', '十二'] as const;
export const numeral = (n: number): string => numerals[(n - 1) % numerals.length] ?? '一';

export const aspectAt = (n: number): string => aspects[n % aspects.length] ?? '';
export const aspectCount = aspects.length;

export const issueTitle = (random: Random): string => `${random.pick(subjects)}${random.chance(0.3) ? `、${random.pick(subjects)}` : ''}${random.pick(faults)}`;
export const measureTitle = (random: Random): string => `${random.pick(adverbs)}${random.pick(acts)}，规范${random.pick(subjects)}`;

/** One to four clauses: a long tail of lengths, as people write. */
export const account = (random: Random): string => {
  const clauses = Math.min(random.longTail(1, 2, 0.7), 4);
  let text = '';
  for (let n = 1; n <= clauses; n++) text += `${clauses > 1 ? `${numeral(n)}是` : ''}${random.pick(adverbs)}${random.pick(acts)}，${random.pick(effects)}${n === clauses ? '。' : '；'}`;
  return text;
};

export const effect = (random: Random): string => `${random.pick(acts)}，${random.pick(effects)}。`;
export const reason = (random: Random): string => random.pick(['原填报有误，予以更正', '上级核查后口径调整', '凭证复核后金额变更', '重复填报', '日期录入错误', '经办人员误选', '补充材料后重新认定', '情况发生变化，撤回原表述']);
export const delay = (random: Random): string => random.pick(['涉及部门较多，需统筹推进', '受汛期施工影响', '资金需列入下年度预算', '需待上级批复', '历史遗留问题，取证困难', '招标流程延长']);
export const finding = (random: Random): string => `${random.pick(subjects)}${random.pick(['问题反弹', '整改不彻底', '存在表面整改', '新增同类问题'])}，${random.pick(faults)}`;
export const documentTitle = (random: Random, kind: string): string => `${random.pick(subjects)}${kind}`;
