import type { Day } from '@rectrail/kernel';
import type { LightColour } from '../policy/policy.events.ts';
import { organisationItself } from './reminder.lights.ts';
import type { Reminder } from './reminder.state.ts';

/** What a notice of each light is called. */
export const noticeTitles: Readonly<Record<LightColour, string>> = { green: '整改提醒函', yellow: '整改预警函', red: '整改督办函' };

/** As officials cite it: 〔2026〕12号. */
export const noticeNumber = ({ year, number }: Pick<Reminder, 'year' | 'number'>): string => `〔${year}〕${number}号`;

/** Roles as officials call them; a policy may name any other, which is printed as it stands. */
const roleTitles: Readonly<Record<string, string>> = { [organisationItself]: '责任单位', handler: '承办人', deputy: '分管负责人', head: '主要负责人', unit: '责任单位', supervisor: '督导部门' };

const roleTitle = (recipient: string): string => (Object.hasOwn(roleTitles, recipient) ? roleTitles[recipient] : undefined) ?? recipient;

const chineseDay = (day: Day): string => {
  const [year, month, ofMonth] = day.split('-').map(Number);
  return `${year}年${month}月${ofMonth}日`;
};

const remaining = (daysLeft: number): string => {
  if (daysLeft > 0) return `距整改时限还有${daysLeft}天`;
  return daysLeft === 0 ? '整改时限于当日届满' : `已超过整改时限${-daysLeft}天`;
};

const requests: Readonly<Record<LightColour, string>> = {
  green: '请对照整改方案抓紧推进，确保按期完成整改。',
  yellow: '请倒排工期，压实责任，确保按期完成整改；确有困难的，请及时书面说明情况。',
  red: '请立即查明原因，采取有力措施整改到位，并书面报告整改进展和未按期完成的原因。',
};

/** What the notice is about, by the names of the day on which it is read; null where the organisation or the issue is not known there. */
export interface NoticeSubject { readonly orgName: string | null; readonly numberPath: readonly string[]; readonly title: string | null }

/** The letter for officials: a pure function of the notice and of what it is about. */
export const noticeText = (
  { colour, year, number, deadline, daysLeft, recipients, evaluatedOn }: Pick<Reminder, 'colour' | 'year' | 'number' | 'deadline' | 'daysLeft' | 'recipients' | 'evaluatedOn'>,
  { orgName, numberPath, title }: NoticeSubject,
): string => {
  const issue = title === null ? '一项巡察反馈问题' : `“${numberPath.join('')}${title}”问题`;
  return [
    noticeTitles[colour],
    noticeNumber({ year, number }),
    '',
    `${orgName ?? '责任单位'}：`,
    `　　你单位${issue}的整改时限为${chineseDay(deadline)}。截至${chineseDay(evaluatedOn)}，${remaining(daysLeft)}，尚未完成整改。`,
    `　　${requests[colour]}收到本函后，请予签收。`,
    '',
    `　　发送：${recipients.map(roleTitle).join('、')}`,
    `　　${chineseDay(evaluatedOn)}`,
  ].join('\n');
};
