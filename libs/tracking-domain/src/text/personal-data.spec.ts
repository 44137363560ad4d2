import { describe, expect, it } from '@jest/globals';
import { personalDataIn } from './personal-data.ts';

/**
 * Goal: no telephone, identity-card number or e-mail address slips into an event, and ordinary figures do.
 * Method: one table of texts of real reports with what is found in them.
 */
describe('personalDataIn', () => {
  it.each([
    ['联系电话13800138000', 'telephone'],
    ['联系电话：+86 138-0013-8000。', 'telephone'],
    ['电话０５７４－８７６５４３２１', 'telephone'],
    ['(0574)87654321', 'telephone'],
    ['0546 8301234', 'telephone'],
    ['联系电话：0574—87654321', 'telephone'],
    ['电话（0574）—8765 4321', 'telephone'],
    ['138–0013–8000', 'telephone'],
    ['身份证330203 19900101 1234', 'identity-card'],
    ['身份证330203199001011234', 'identity-card'],
    ['身份证11010119900307123X', 'identity-card'],
    ['请发至 jtj_dangwei@ningbo.gov.cn', 'e-mail'],
  ] as const)('finds in %s: %s', (text, kind) => { expect(personalDataIn(text)).toBe(kind); });

  it.each([
    '整改完成率95.8%，追回54410元',
    '投资250000000000元，总产值13800000万元',
    '甬交〔2022〕13号，12345热线工单8301件',
    '2022年2月28日前完成，涉及375项中的374项',
    '统一社会信用代码91330200MA2AF1234X',
    '2019—2022年，共0.5公里，2021-2022两年',
    '合同编号202203150001380013800099',
  ])('lets pass: %s', (text) => { expect(personalDataIn(text)).toBeNull(); });
});
