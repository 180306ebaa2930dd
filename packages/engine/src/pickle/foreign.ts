/** What classes and functions of packages that are not served are, and what to do; first match first. */
const FOREIGN: readonly (readonly [name: RegExp, advice: string])[] = [
  [
    /cloudpickle|^_?dill\./,
    'functions stored as code cannot be read: use a scikit-learn transformer instead of a lambda or own function',
  ],
  [/getattr/, 'a method cannot be read out of a file: use an option of the estimator instead of a function'],
  [
    /^__(mp_)?main__\./,
    'it is of your own program and its code is not in the file: use a scikit-learn transformer instead, or do this step before the model',
  ],
  [/^torch/, 'this is a neural network of PyTorch; those are not served'],
  [/^(keras|tensorflow|tf_keras)\b/, 'this is a neural network of Keras; those are not served'],
  [
    /^statsmodels\./,
    'results of statsmodels are not served: fit the scikit-learn estimator of the same model and save that',
  ],
  [/^(shap|lime|alibi|dalex|interpret)\b/, 'this explains a model: save the model it explains, alone'],
  [
    /^(prophet|pmdarima|sktime|darts|neuralprophet)\b/,
    'this forecasts a series and does not answer rows: those are not served',
  ],
  [/^imblearn\./, 'samplers do nothing to a prediction: save a scikit-learn Pipeline of the other steps'],
  [
    /^(category_encoders|feature_engine)\./,
    'use OrdinalEncoder, OneHotEncoder or TargetEncoder of scikit-learn instead',
  ],
  [/^(transformers|sentence_transformers|spacy|gensim|nltk|fasttext)\b/, 'models of language are not served'],
  [/^(surprise|implicit|lightfm)\b/, 'recommenders are not served'],
  [/^(h2o|pyspark|py4j)\b/, 'this refers to a model in another program: export the model itself'],
  [/^millwright\./, 'a model that was made smaller holds all of its steps: deploy its file alone'],
  [/^(pycaret|autogluon|flaml|tpot|autosklearn)\b/, 'save the fitted pipeline inside it, alone'],
]

/** Advice about a qualified name, where we have any. */
export const adviceOn = (qualified: string): string | undefined =>
  FOREIGN.find(([name]) => name.test(qualified))?.[1]
