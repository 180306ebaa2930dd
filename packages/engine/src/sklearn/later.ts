const EXPORT = 'export the model to ONNX meanwhile'
const NO_PREDICT = 'it cannot answer new rows in scikit-learn either: train a model that can on its labels'
const TOGETHER =
  'it stops solving when the rows of a batch have settled together, so that scikit-learn itself answers a row otherwise beside other rows (up to 1 % of the largest value, in sixty rows tried): use PCA or TruncatedSVD, or transform before the model'
const CUSTOM = 'do this step before the model, or export the pipeline to ONNX meanwhile'

/** Advice, then `package: Class Class …` lines. */
const GROUPS: readonly (readonly [advice: string, classes: string])[] = [
  [
    EXPORT,
    `neighbors: NearestNeighbors KNeighborsTransformer RadiusNeighborsTransformer
    neighbors: NeighborhoodComponentsAnalysis
    neural_network: BernoulliRBM
    covariance: EmpiricalCovariance MinCovDet
    cross_decomposition: PLSSVD
    decomposition: SparsePCA
    decomposition: MiniBatchSparsePCA DictionaryLearning MiniBatchDictionaryLearning LatentDirichletAllocation
    cluster: Birch AffinityPropagation FeatureAgglomeration
    kernel_approximation: AdditiveChi2Sampler SkewedChi2Sampler PolynomialCountSketch
    manifold: Isomap LocallyLinearEmbedding
    semi_supervised: LabelPropagation LabelSpreading`,
  ],
  [CUSTOM, 'preprocessing: KernelCenterer\n    feature_extraction: PatchExtractor'],
  [TOGETHER, 'decomposition: NMF MiniBatchNMF'],
  [
    NO_PREDICT,
    `cluster: DBSCAN HDBSCAN OPTICS AgglomerativeClustering SpectralClustering SpectralBiclustering
    cluster: SpectralCoclustering
    manifold: TSNE MDS SpectralEmbedding`,
  ],
]

const classesOf = (lines: string): string[] =>
  lines.split('\n').flatMap((line) => {
    const [subpackage, names] = line.trim().split(': ')
    return names!.split(' ').map((name) => `sklearn.${subpackage}.${name}`)
  })

/** scikit-learn classes we know and do not serve yet: public name → what to do instead. */
export const LATER: ReadonlyMap<string, string> = new Map(
  GROUPS.flatMap(([advice, lines]) => classesOf(lines).map((name) => [name, advice] as const)),
)
