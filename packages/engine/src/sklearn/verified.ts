/** Written by `node tools/verified-versions.ts`: versions of scikit-learn whose own answers were compared with ours. */
export const VERSIONS: readonly string[] =
  '0.20 0.21 0.22 0.23 0.24 1.0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9'.split(' ')

/** Versions, as runs of neighbours, and the classes that gave the answers of all of them. */
export const VERIFIED: readonly (readonly [versions: string, classes: string])[] = [
  [
    '0.20-1.9',
    'calibration.CalibratedClassifierCV cluster.KMeans cluster.MeanShift compose.ColumnTransformer compose.TransformedTargetRegressor covariance.EllipticEnvelope cross_decomposition.CCA cross_decomposition.PLSCanonical cross_decomposition.PLSRegression decomposition.FactorAnalysis decomposition.FastICA decomposition.IncrementalPCA decomposition.KernelPCA decomposition.PCA decomposition.TruncatedSVD discriminant_analysis.LinearDiscriminantAnalysis discriminant_analysis.QuadraticDiscriminantAnalysis dummy.DummyClassifier dummy.DummyRegressor ensemble.AdaBoostClassifier ensemble.AdaBoostRegressor ensemble.BaggingClassifier ensemble.BaggingRegressor ensemble.ExtraTreesClassifier ensemble.ExtraTreesRegressor ensemble.GradientBoostingClassifier ensemble.GradientBoostingRegressor ensemble.IsolationForest ensemble.RandomForestClassifier ensemble.RandomForestRegressor ensemble.RandomTreesEmbedding feature_extraction.CountVectorizer feature_extraction.DictVectorizer feature_extraction.FeatureHasher feature_extraction.HashingVectorizer feature_extraction.TfidfTransformer feature_extraction.TfidfVectorizer feature_selection.GenericUnivariateSelect feature_selection.RFE feature_selection.RFECV feature_selection.SelectFdr feature_selection.SelectFpr feature_selection.SelectFromModel feature_selection.SelectFwe feature_selection.SelectKBest feature_selection.SelectPercentile feature_selection.VarianceThreshold gaussian_process.GaussianProcessClassifier gaussian_process.GaussianProcessRegressor gaussian_process._BinaryGaussianProcessClassifierLaplace impute.MissingIndicator impute.SimpleImputer isotonic.IsotonicRegression kernel_approximation.Nystroem kernel_approximation.RBFSampler kernel_ridge.KernelRidge linear_model.ARDRegression linear_model.BayesianRidge linear_model.ElasticNet linear_model.ElasticNetCV linear_model.HuberRegressor linear_model.Lars linear_model.LarsCV linear_model.Lasso linear_model.LassoCV linear_model.LassoLars linear_model.LassoLarsCV linear_model.LassoLarsIC linear_model.LinearRegression linear_model.LogisticRegression linear_model.LogisticRegressionCV linear_model.MultiTaskElasticNet linear_model.MultiTaskElasticNetCV linear_model.MultiTaskLasso linear_model.MultiTaskLassoCV linear_model.OrthogonalMatchingPursuit linear_model.OrthogonalMatchingPursuitCV linear_model.PassiveAggressiveClassifier linear_model.PassiveAggressiveRegressor linear_model.Perceptron linear_model.RANSACRegressor linear_model.Ridge linear_model.RidgeCV linear_model.RidgeClassifier linear_model.RidgeClassifierCV linear_model.SGDClassifier linear_model.SGDRegressor linear_model.TheilSenRegressor mixture.BayesianGaussianMixture mixture.GaussianMixture model_selection.GridSearchCV model_selection.RandomizedSearchCV multiclass.OneVsRestClassifier multiclass.OutputCodeClassifier multiclass._ConstantPredictor multioutput.ClassifierChain multioutput.MultiOutputClassifier multioutput.MultiOutputRegressor multioutput.RegressorChain naive_bayes.BernoulliNB naive_bayes.ComplementNB naive_bayes.GaussianNB naive_bayes.MultinomialNB neighbors.KNeighborsClassifier neighbors.KNeighborsRegressor neighbors.KernelDensity neighbors.LocalOutlierFactor neighbors.NearestCentroid neighbors.RadiusNeighborsRegressor neural_network.MLPClassifier neural_network.MLPRegressor pipeline.FeatureUnion pipeline.Pipeline preprocessing.FunctionTransformer preprocessing.KBinsDiscretizer preprocessing.LabelBinarizer preprocessing.LabelEncoder preprocessing.MaxAbsScaler preprocessing.MinMaxScaler preprocessing.MultiLabelBinarizer preprocessing.OneHotEncoder preprocessing.OrdinalEncoder preprocessing.PolynomialFeatures preprocessing.PowerTransformer preprocessing.QuantileTransformer preprocessing.RobustScaler preprocessing.StandardScaler random_projection.GaussianRandomProjection random_projection.SparseRandomProjection svm.LinearSVC svm.LinearSVR svm.NuSVR svm.OneClassSVM svm.SVC svm.SVR tree.DecisionTreeClassifier tree.DecisionTreeRegressor tree.ExtraTreeClassifier tree.ExtraTreeRegressor',
  ],
  ['1.1-1.9', 'cluster.BisectingKMeans'],
  [
    '0.23-1.9',
    'cluster.MiniBatchKMeans linear_model.GammaRegressor linear_model.PoissonRegressor linear_model.TweedieRegressor preprocessing.Binarizer preprocessing.Normalizer',
  ],
  [
    '0.21-1.9',
    'ensemble.HistGradientBoostingClassifier ensemble.HistGradientBoostingRegressor ensemble.VotingClassifier ensemble.VotingRegressor impute.IterativeImputer multiclass.OneVsOneClassifier svm.NuSVC',
  ],
  [
    '0.22-1.9',
    'ensemble.StackingClassifier ensemble.StackingRegressor impute.KNNImputer neighbors.RadiusNeighborsClassifier',
  ],
  [
    '0.24-1.9',
    'feature_selection.SequentialFeatureSelector model_selection.HalvingGridSearchCV model_selection.HalvingRandomSearchCV naive_bayes.CategoricalNB semi_supervised.SelfTrainingClassifier',
  ],
  ['1.6-1.9', 'frozen.FrozenEstimator'],
  ['1.0-1.9', 'linear_model.QuantileRegressor linear_model.SGDOneClassSVM preprocessing.SplineTransformer'],
  ['1.5-1.9', 'model_selection.FixedThresholdClassifier model_selection.TunedThresholdClassifierCV'],
  ['0.20-0.21', 'preprocessing.Imputer'],
  ['1.3-1.9', 'preprocessing.TargetEncoder'],
]

/** Attributes with a leading underscore that those versions write. */
export const PRIVATE_ATTRIBUTES: ReadonlySet<string> = new Set(
  '_K_inv _X_mean _algorithm _alphas _average_coef _average_intercept _average_path_length_per_tree _base_loss _baseline_prediction _batch_size _best_coefs _best_intercepts _beta_loss _bin_mapper _bisecting_tree _cached_dict _categorical_features _categories _centerer _checked_cv_orig _coef_indptr _columns _contamination _counts _curve_scorer _decision_path_lengths _default_to_infrequent_mappings _deprecated_key_to_warnings _deprecation_msg _deprecations _df_columns _drop_idx_after_grouping _effective_probability _encoder _estimator _ewa_inertia _ewa_inertia_min _expanded_class_weight _family_instance _feature_names_in _feature_subsample_rng _fill_dtype _fit_X _fit_dtype _fit_method _fit_svd_solver _gamma _has_str_cols _idf_diag _infrequent_enabled _infrequent_indices _init_size _intercept_indptr _is_categorical_remapped _is_empty_feature _kmeans_single _kwargs _l1_reg_H _l1_reg_W _l2_reg_H _l2_reg_W _label_binarizer _label_encoder _le _legacy_mode _link_instance _loss _lower_bound _lrd _mask_fit_X _max_components _max_degree _max_features _max_iter _max_samples _max_subpopulation _max_value _metadata_request _min_degree _min_value _missing_indices _n_classes _n_components _n_feature_outs _n_features _n_features_out _n_features_outs _n_init _n_out_full _n_samples _n_samples_bootstrap _n_samples_orig _n_since_last_reassign _n_support _n_threads _n_values _name_to_fitted_passthrough _no_improvement _no_improvement_count _norm_y_weights _normalize _num_iter _optimizer _power _precomputed _predict_1d _predictors _preprocessor _probA _probB _random_seed _random_state _remainder _requests _residues _response_method _rng _sample_weight _scaler _score_func _scorer _seeds _sign _sklearn_output_config _sklearn_version _sparse _standard_coef _standard_intercept _stop_words_id _store_cv_results _strategy _tfidf _thresholds _tol _training_dim _transformer_to_input_indices _transformers_feature_names_out _tree _unmixing _use_validation_data _valid_mask _validate _whiten _x_mean _x_scores _x_std _y _y_mean _y_scores _y_std _y_train_mean _y_train_std'.split(
    ' ',
  ),
)
