import type { OrgLevel } from '@rectrail/tracking-domain';

/** An organisation of the invented province: parents come before their children, `parent` is an index in the list, −1 for the province itself. */
export interface InventedOrganisation {
  readonly code: string;
  readonly name: string;
  readonly level: OrgLevel;
  readonly parent: number;
}

/** The code of no real province, so that nothing here is taken for somebody. */
const provinceCode = 'CN-99';
const provinceName = '澄岚省';

const firstSigns = '澄砚岚汀蘅霁湄峤芷溯瀛棠珩岫堇筠淙沅晏昀';
const secondSigns = '川陵浦江原泽城安丘阳源湖渡台岭';

const sectors = [
  ['JT', '交通运输局'], ['JY', '教育局'], ['MZ', '民政局'], ['CZ', '财政局'], ['RS', '人力资源和社会保障局'], ['ZR', '自然资源局'], ['ST', '生态环境局'], ['ZJ', '住房和城乡建设局'],
  ['SL', '水利局'], ['NY', '农业农村局'], ['SW', '商务局'], ['WL', '文化和旅游局'], ['WJ', '卫生健康局'], ['YJ', '应急管理局'], ['SJ', '审计局'], ['GZ', '国有资产监督管理局'],
  ['SC', '市场监督管理局'], ['TJ', '统计局'], ['YB', '医疗保障局'], ['LY', '林业局'], ['CG', '城市管理局'], ['XF', '信访局'], ['FG', '发展和改革局'], ['GX', '工业和信息化局'],
] as const;
const unitKinds = ['服务中心', '执法大队', '管理站', '信息中心', '培训中心', '检测中心', '事务中心', '投资公司', '设计院', '监测站', '储备中心', '养护中心'] as const;

const two = (n: number): string => String(n).padStart(2, '0');

/** Names that no other place of the same list has: both signs are counted through. */
const placeName = (n: number, ending: string): string =>
  `${firstSigns.charAt(n % firstSigns.length)}${secondSigns.charAt((n + Math.floor(n / firstSigns.length) * 7) % secondSigns.length)}${ending}`;

/** How many stand on each level; the units are the rest. At 10,000: 1, 12, 120, 1,900 and 7,967. */
const levelSizes = (organisations: number): { readonly cities: number; readonly counties: number; readonly bureaus: number } => {
  const share = (of: number, least: number): number => Math.max(least, Math.round(organisations * of));
  return { cities: share(0.0012, 2), counties: share(0.012, 4), bureaus: share(0.19, 8) };
};

/** Fewer would leave a level empty. */
export const organisationsMin = 20;

interface Level { readonly from: number; readonly to: number }

/** Each under one of the level above in turn, so that every one has its first before one has its second. */
const below = (all: InventedOrganisation[], count: number, parents: Level, invent: (parent: InventedOrganisation, ofParent: number, n: number) => Omit<InventedOrganisation, 'parent'>): Level => {
  const level = { from: all.length, to: all.length + count };
  for (let n = 0; n < count; n++) {
    const parent = parents.from + (n % (parents.to - parents.from));
    const above = all[parent];
    if (above === undefined) throw new Error(`there is no organisation ${parent}`);
    all.push({ ...invent(above, Math.floor(n / (parents.to - parents.from)), n), parent });
  }
  return level;
};

const bureauOf = (government: InventedOrganisation, ofGovernment: number): Omit<InventedOrganisation, 'parent'> => {
  const [sign, sector] = sectors[ofGovernment % sectors.length] ?? sectors[0];
  const again = Math.floor(ofGovernment / sectors.length) + 1;
  return { code: `${government.code}-${sign}${again === 1 ? '' : again}`, name: `${government.name}${sector}${again === 1 ? '' : `第${again}分局`}`, level: 'bureau' };
};

/** The province at its first day, five levels; at least `organisationsMin`. */
export const inventedProvince = (organisations: number): readonly InventedOrganisation[] => {
  const sizes = levelSizes(organisations);
  const all: InventedOrganisation[] = [{ code: `${provinceCode}0000`, name: provinceName, level: 'province', parent: -1 }];
  const cities = below(all, sizes.cities, { from: 0, to: 1 }, (_, n) => ({ code: `${provinceCode}${two(n + 1)}00`, name: placeName(n, '市'), level: 'city' }));
  const counties = below(all, sizes.counties, cities, (city, ofCity, n) => {
    const isDistrict = ofCity % 3 === 0;
    return { code: `${city.code.slice(0, -2)}${two(ofCity + 1)}`, name: `${city.name}${placeName(n * 3 + 5, isDistrict ? '区' : '县')}`, level: isDistrict ? 'district' : 'county' };
  });
  const bureaus = below(all, sizes.bureaus, { from: 0, to: counties.to }, bureauOf);
  below(all, organisations - all.length, bureaus, (bureau, ofBureau, n) =>
    ({ code: `${bureau.code}-${two(ofBureau + 1)}`, name: `${bureau.name}${unitKinds[(n + ofBureau) % unitKinds.length] ?? ''}`, level: 'unit' }));
  return all;
};
