import { z } from 'zod'

const Path = z.string().min(1)

/** A file of the model in the order they are applied, the model last; `encode`: it encodes that column alone. */
const Step = z.strictObject({ file: Path, encode: z.string().min(1).optional() })
export type Step = z.infer<typeof Step>

/** What a folder says of how it is deployed: `millwright.toml` or `deployment.json`. Paths are from the folder. */
export const DeploymentFile = z
  .strictObject({
    name: z.string().optional(),
    label: z.string().optional(),
    /** The model, where it is one file … */
    file: Path.optional(),
    /** … and where it is several. */
    steps: z.array(Step).min(1).optional(),
    /** Names of the columns that go in, for models fitted without names. */
    columns: z.array(z.string().min(1)).optional(),
    sample: Path.optional(),
    expected: Path.optional(),
    target: z.string().optional(),
    /** As `--decision` and `--respond` take them. */
    decision: z.unknown().optional(),
    respond: z.unknown().optional(),
  })
  .refine(({ file, steps }) => (file === undefined) !== (steps === undefined), {
    message: 'say which model: either "file", or "steps" with the model last',
  })
  .refine(({ steps }) => steps?.at(-1)?.encode === undefined, {
    message: 'the last of "steps" is the model, which encodes no column',
    path: ['steps'],
  })
export type DeploymentFile = z.infer<typeof DeploymentFile>
