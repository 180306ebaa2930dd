/** Within this of 0 or 1 a share counts as 0 or 1: scikit-learn's BOUNDS_THRESHOLD. */
export const NORMAL_LIMIT = 1e-7

/** Polynomial coefficients of Cephes `ndtri`, highest power first (Moshier, Methods and Programs, 1989). */
const CENTRE = {
  p: [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125],
  q: [
    1, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937, 200.26021238006066,
    -82.03722561683334, 15.90562251262117, -1.1833162112133,
  ],
}
const TAIL = {
  p: [
    4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803,
    2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854,
  ],
  q: [
    1, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075, 2.504649462083094,
    -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574,
  ],
}
const FAR_TAIL = {
  p: [
    3.2377489177694603, 6.915228890689842, 3.9388102529247444, 1.3330346081580755, 0.20148538954917908,
    0.012371663481782003, 0.00030158155350823543, 2.6580697468673755e-6, 6.239745391849833e-9,
  ],
  q: [
    1, 6.02427039364742, 3.6798356385616087, 1.3770209948908132, 0.21623699359449663, 0.013420400608854318,
    0.00032801446468212774, 2.8924786474538068e-6, 6.790194080099813e-9,
  ],
}

const ROOT_TWO_PI = 2.5066282746310007
const E_MINUS_2 = 0.1353352832366127

const polynomial = (x: number, coefficients: readonly number[]): number =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0)

/** x · p(x) / q(x) */
const ratio = (x: number, { p, q }: { p: readonly number[]; q: readonly number[] }): number =>
  (x * polynomial(x, p)) / polynomial(x, q)

/** Inverse of the normal distribution function, −∞ at 0 and ∞ at 1 (scipy.special.ndtri). */
export function inverseNormal(share: number): number {
  if (share === 0) return Number.NEGATIVE_INFINITY
  if (share === 1) return Number.POSITIVE_INFINITY
  if (!(share > 0 && share < 1)) return Number.NaN
  const upper = share > 1 - E_MINUS_2
  const y = upper ? 1 - share : share
  if (y > E_MINUS_2) {
    const centred = y - 0.5
    const square = centred * centred
    return (centred + centred * ratio(square, CENTRE)) * ROOT_TWO_PI
  }
  const x = Math.sqrt(-2 * Math.log(y))
  const z = 1 / x
  const tail = x - Math.log(x) / x - ratio(z, x < 8 ? TAIL : FAR_TAIL)
  return upper ? tail : -tail
}

const LOWEST = inverseNormal(NORMAL_LIMIT - Number.EPSILON)
const HIGHEST = inverseNormal(1 - (NORMAL_LIMIT - Number.EPSILON))

/** Inverse of the normal distribution function, clipped as scikit-learn's QuantileTransformer clips it (about ±5.2). */
export function normalQuantile(share: number): number {
  return Math.min(Math.max(inverseNormal(share), LOWEST), HIGHEST)
}

/** Cephes `erfc` beyond 1, below and above 8, and `erf` below 1. */
const ERFC = {
  p: [
    2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771,
    526.4451949954773, 934.5285271719576, 1027.5518868951572, 557.5353353693994,
  ],
  q: [
    1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
    2246.3376081871097, 1656.6630919416134, 557.5353408177277,
  ],
}
const FAR_ERFC = {
  p: [
    0.5641895835477551, 1.275366707599781, 5.019050422511805, 6.160210979930536, 7.4097426995044895,
    2.9788666537210022,
  ],
  q: [
    1, 2.2605286322011726, 9.396035249380015, 12.048953980809666, 17.08144507475659, 9.608968090632859,
    3.369076451000815,
  ],
}
const ERF = {
  p: [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949],
  q: [1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359],
}

/** Normal distribution function (scipy.special.ndtr). */
export function normalShare(value: number): number {
  const x = value * Math.SQRT1_2
  const z = Math.abs(x)
  if (z < 1) {
    const erf = (x * polynomial(x * x, ERF.p)) / polynomial(x * x, ERF.q)
    if (z < Math.SQRT1_2) return 0.5 + 0.5 * erf
    return x > 0 ? 1 - 0.5 * (1 - erf) : 0.5 * (1 + erf)
  }
  const { p, q } = z < 8 ? ERFC : FAR_ERFC
  const tail = (0.5 * (Math.exp(-z * z) * polynomial(z, p))) / polynomial(z, q)
  return x > 0 ? 1 - tail : tail
}
