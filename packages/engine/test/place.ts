import { ALONE } from '../src/exec/compiled.ts'
import type { Place } from '../src/exec/place.ts'

/** Where a kernel runs that nothing is shared with. */
export const placeAlone = (): Place => ({ seat: ALONE, layouts: {} })
