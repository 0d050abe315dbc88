//! Numbers, names and forms of fields, from the `generated.proto` files of Kubernetes 1.36.

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Texts,
    /// A number that is meant even where it is 0.
    Number,
    /// A number whose 0 means nothing.
    Count,
    Flag,
    TextMap,
    BytesMap,
    IntOrString,
    Message(&'static [Field]),
    Messages(&'static [Field]),
    /// The server fills it in.
    Ignored,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) form: Form,
}

const fn field(number: u64, name: &'static str, form: Form) -> Field {
    Field { number, name, form }
}

const META: &[Field] = &[
    field(1, "name", Form::Text),
    field(2, "generateName", Form::Text),
    field(3, "namespace", Form::Text),
    field(5, "uid", Form::Text),
    field(6, "resourceVersion", Form::Text),
    field(7, "generation", Form::Ignored),
    field(8, "creationTimestamp", Form::Ignored),
    field(11, "labels", Form::TextMap),
    field(12, "annotations", Form::TextMap),
    field(14, "finalizers", Form::Texts),
];

const METADATA: Field = field(1, "metadata", Form::Message(META));
const STATUS: Field = field(3, "status", Form::Ignored);

const NAMESPACE: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[field(1, "finalizers", Form::Texts)]),
    ),
    STATUS,
];

const CONFIG_MAP: &[Field] = &[
    METADATA,
    field(2, "data", Form::TextMap),
    field(3, "binaryData", Form::BytesMap),
    field(4, "immutable", Form::Flag),
];

const SECRET: &[Field] = &[
    METADATA,
    field(2, "data", Form::BytesMap),
    field(3, "type", Form::Text),
    field(4, "stringData", Form::TextMap),
    field(5, "immutable", Form::Flag),
];

const SERVICE_ACCOUNT: &[Field] = &[METADATA];

const SERVICE_PORT: &[Field] = &[
    field(1, "name", Form::Text),
    field(2, "protocol", Form::Text),
    field(3, "port", Form::Number),
    field(4, "targetPort", Form::IntOrString),
    field(5, "nodePort", Form::Count),
    field(6, "appProtocol", Form::Text),
];

const SERVICE: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(1, "ports", Form::Messages(SERVICE_PORT)),
            field(2, "selector", Form::TextMap),
            field(3, "clusterIP", Form::Text),
            field(4, "type", Form::Text),
            field(7, "sessionAffinity", Form::Text),
            field(10, "externalName", Form::Text),
        ]),
    ),
    STATUS,
];

const CONTAINER: &[Field] = &[
    field(1, "name", Form::Text),
    field(2, "image", Form::Text),
    field(3, "command", Form::Texts),
    field(4, "args", Form::Texts),
    field(
        6,
        "ports",
        Form::Messages(&[
            field(1, "name", Form::Text),
            field(3, "containerPort", Form::Number),
            field(4, "protocol", Form::Text),
        ]),
    ),
    field(
        7,
        "env",
        Form::Messages(&[field(1, "name", Form::Text), field(2, "value", Form::Text)]),
    ),
    field(8, "resources", Form::Message(&[])),
    field(14, "imagePullPolicy", Form::Text),
];

const POD_TEMPLATE: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(2, "containers", Form::Messages(CONTAINER)),
            field(3, "restartPolicy", Form::Text),
            field(8, "serviceAccountName", Form::Text),
        ]),
    ),
];

const DEPLOYMENT: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(1, "replicas", Form::Number),
            field(
                2,
                "selector",
                Form::Message(&[field(1, "matchLabels", Form::TextMap)]),
            ),
            field(3, "template", Form::Message(POD_TEMPLATE)),
            field(
                4,
                "strategy",
                Form::Message(&[field(1, "type", Form::Text)]),
            ),
            field(5, "minReadySeconds", Form::Count),
        ]),
    ),
    STATUS,
];

const ACCESS_REVIEW: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Form::Message(&[
            field(
                1,
                "resourceAttributes",
                Form::Message(&[
                    field(1, "namespace", Form::Text),
                    field(2, "verb", Form::Text),
                    field(3, "group", Form::Text),
                    field(4, "version", Form::Text),
                    field(5, "resource", Form::Text),
                    field(6, "subresource", Form::Text),
                    field(7, "name", Form::Text),
                ]),
            ),
            field(
                2,
                "nonResourceAttributes",
                Form::Message(&[field(1, "path", Form::Text), field(2, "verb", Form::Text)]),
            ),
        ]),
    ),
    STATUS,
];

const DELETE_OPTIONS: &[Field] = &[
    field(1, "gracePeriodSeconds", Form::Number),
    field(4, "propagationPolicy", Form::Text),
    field(5, "dryRun", Form::Texts),
];

/// Fields of a kind; `None` where it is not known.
pub(super) fn of(kind: &str) -> Option<&'static [Field]> {
    match kind {
        "Namespace" => Some(NAMESPACE),
        "ConfigMap" => Some(CONFIG_MAP),
        "Secret" => Some(SECRET),
        "ServiceAccount" => Some(SERVICE_ACCOUNT),
        "Service" => Some(SERVICE),
        "Deployment" => Some(DEPLOYMENT),
        "SelfSubjectAccessReview" => Some(ACCESS_REVIEW),
        "DeleteOptions" => Some(DELETE_OPTIONS),
        _ => None,
    }
}
