# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_flagger_global_optspecs
    string join \n kubeconfig= context= cluster= user= n/namespace= s/server= token= as= as-group= as-uid= certificate-authority= client-certificate= client-key= tls-server-name= insecure-skip-tls-verify disable-compression request-timeout= cache-dir= v/v= h/help V/version
end

function __fish_kubectl_flagger_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_flagger_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_flagger_using_subcommand
    set -l cmd (__fish_kubectl_flagger_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "promote" -d 'Drive one rollout to its end'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "analyze" -d 'Ask every metric of a canary once'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "abort" -d 'Bring the users back to the old version and end the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "pause" -d 'Hold the weight where it is'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "resume" -d 'Let a paused run go on'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "approve" -d 'Open the gate that holds a run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "get" -d 'List the canaries that are or were driven'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "status" -d 'Follow a run from another terminal, and exit with its code'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "notify" -d 'Show an alert of a Canary, or send it'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "eject" -d 'Give a target back, and leave nothing behind'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "sandbox" -d 'Serve an embedded cluster that kubectl can talk to'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "version" -d 'Print the version'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "man" -d 'Print the man page'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l timing -d 'When the next step is taken' -r -f -a "event\t'An interval after a weight is in effect; everything else as soon as it can'
grid\t'At Flagger\'s ticks, for comparison'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l timeout -d 'Time for the whole run, then roll back [default: twice what the plan needs]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l on-interrupt -d 'What Ctrl-C, TERM and a lost terminal do' -r -f -a "rollback\t'Traffic goes back to the old version'
hold\t'Traffic stays as it is'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l drain -d 'How long pods keep running after their last traffic' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l hold-for -d 'How long a pause may last, then roll back' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l gates -d 'What a gate does that says no' -r -f -a "wait\t'It is asked again'
fail\t'The run ends: what moved goes back'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l gate-timeout -d 'How long a gate may stay closed, then roll back' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l gate-poll -d 'How often a closed gate is asked [default: once an interval]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l on-no-data -d 'What a look is worth whose metrics have no data' -r -f -a "fail\t'A failed check'
wait\t'Nothing; roll back after threshold times interval'
hold\t'Nothing; roll back after --hold-for'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l on-provider-error -d 'What a look is worth whose metrics nobody answers' -r -f -a "fail\t'A failed check'
wait\t'Nothing; roll back after threshold times interval'
hold\t'Nothing; roll back after --hold-for'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s C -l repo -d 'Git repository with the specs [default: the one around the current folder]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l ref -d 'Commit, branch or tag to read' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l path -d 'Read only files below this path of the repository' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s f -l filename -d 'Read this file instead, - for standard input; may be repeated' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l metrics-server -d 'Prometheus for the built-in checks of Canaries that name none, with its namespace in the host' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l allow-host -d 'Let metrics and hooks be asked of a loopback, link-local or private address; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l skip-verify -d 'Believe any certificate of this host, where a template says insecureSkipVerify or a hook disableTLS; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l secrets -d 'Read Secrets of metrics here, DIR/NAME/KEY, or from variables, instead of the cluster' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l provider -d 'Traffic provider of Canaries that name none' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l selector-labels -d 'Labels that may select a target\'s pods, in order of preference' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l ingress-annotations-prefix -d 'Prefix of the annotations that ingress-nginx reads' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l ingress-class -d 'Ingress class of the HTTPProxies of Contour' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l kubeconfig-service-mesh -d 'Path to the kubeconfig of the cluster that the mesh\'s objects are in, if it is another one than the target\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l include-label-prefix -d 'Copy labels and annotations with this prefix to the primary, * for all' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l slack-url -d 'Slack webhook for alerts of Canaries that name no provider' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l slack-token -d 'Token of a Slack bot; prefer the variable, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l slack-channel -d 'Slack channel' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l slack-user -d 'Name that stands at the alerts in Slack' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l slack-proxy-url -d 'HTTP proxy on the way to Slack' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l msteams-url -d 'Microsoft Teams webhook for alerts of Canaries that name no provider, instead of Slack' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l msteams-proxy-url -d 'HTTP proxy on the way to Microsoft Teams' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l event-webhook -d 'Is told of every event of Canaries that have no event hook' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l record -d 'Where transitions are recorded' -r -f -a "branch\t'A commit a transition on a branch of its own'
none\t'Nowhere'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l record-ref -d 'Branch of the record' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l remote -d 'Remote that the record is pushed to, . for none [default: the branch\'s, else origin, else the only one]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l cluster-name -d 'Name of the cluster in the record, chosen at the first bootstrap, and in alerts [default: the kubeconfig\'s]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l sandbox -d 'Play the rollout in an embedded cluster: the podinfo example, or a scenario file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l sandbox-dir -d 'Folder for the sandbox\'s Git repository and files [default: a fresh one, kept and printed]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l speed -d 'How many times as fast as life the sandbox runs, or max [default: 20]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l seed -d 'Seed of everything that is random in the sandbox [default: 1]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s o -l output -d 'What goes to standard output: nothing, one object at the end, or one line an event' -r -f -a "json\t'One object at the end'
ndjson\t'One object a line, as it happens'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l events -d 'Also write the event stream to this file, one JSON object a line' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l progress -d 'How progress is shown on standard error' -r -f -a "auto\t'Live on a terminal, lines elsewhere'
live\t'A region that is redrawn in place'
lines\t'One line a fact'
none\t'Nothing'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l retry -d 'Drive the revision again that was rolled back last'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l skip-analysis -d 'Promote as soon as the canary is ready; a rollout that another driver drives is told so'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l queue -d 'Wait for another driver of this canary to end, then drive'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l allow-dirty -d 'Read a file that differs from its commit as it is, and mark the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l no-config-tracking -d 'Do not copy ConfigMaps and Secrets for the primary'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l no-cross-namespace-refs -d 'Refuse Canaries that name templates, alert providers or upstreams of another namespace'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l trust-repo-config -d 'Run the ssh, askpass and credential programs that the repository\'s own configuration names'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l ascii -d 'Use no character beyond ASCII'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s q -l quiet -d 'Show less: -q only the summary, -qq only errors'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l metric -d 'Ask only this metric; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s o -l output -d 'Print one object instead of lines' -r -f -a "json\t'One JSON object'
yaml\t'The same as YAML'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l sandbox -d 'Ask in an embedded cluster: the podinfo example, or a scenario file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s C -l repo -d 'Git repository with the specs [default: the one around the current folder]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l ref -d 'Commit, branch or tag to read' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l path -d 'Read only files below this path of the repository' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s f -l filename -d 'Read this file instead, - for standard input; may be repeated' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l provider -d 'Traffic provider of Canaries that name none' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l metrics-server -d 'Prometheus for the built-in checks of Canaries that name none, with its namespace in the host' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l allow-host -d 'Let metrics and hooks be asked of a loopback, link-local or private address; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l skip-verify -d 'Believe any certificate of this host, where a template says insecureSkipVerify or a hook disableTLS; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l secrets -d 'Read Secrets of metrics here, DIR/NAME/KEY, or from variables, instead of the cluster' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l allow-dirty -d 'Read a file that differs from its commit as it is, and mark the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand analyze" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l metrics-server -d 'Prometheus for the built-in checks of Canaries that name none, with its namespace in the host' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l allow-host -d 'Let metrics and hooks be asked of a loopback, link-local or private address; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l skip-verify -d 'Believe any certificate of this host, where a template says insecureSkipVerify or a hook disableTLS; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l secrets -d 'Read Secrets of metrics here, DIR/NAME/KEY, or from variables, instead of the cluster' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l provider -d 'Traffic provider of Canaries that name none' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l selector-labels -d 'Labels that may select a target\'s pods, in order of preference' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l ingress-annotations-prefix -d 'Prefix of the annotations that ingress-nginx reads' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l ingress-class -d 'Ingress class of the HTTPProxies of Contour' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l kubeconfig-service-mesh -d 'Path to the kubeconfig of the cluster that the mesh\'s objects are in, if it is another one than the target\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l include-label-prefix -d 'Copy labels and annotations with this prefix to the primary, * for all' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s o -l output -d 'What goes to standard output: nothing, one object at the end, or one line an event' -r -f -a "json\t'One object at the end'
ndjson\t'One object a line, as it happens'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l events -d 'Also write the event stream to this file, one JSON object a line' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l progress -d 'How progress is shown on standard error' -r -f -a "auto\t'Live on a terminal, lines elsewhere'
live\t'A region that is redrawn in place'
lines\t'One line a fact'
none\t'Nothing'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l orphaned -d 'Act only if its driver is dead: for a CI step that always runs'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l no-config-tracking -d 'Do not copy ConfigMaps and Secrets for the primary'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l no-cross-namespace-refs -d 'Refuse Canaries that name templates, alert providers or upstreams of another namespace'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l ascii -d 'Use no character beyond ASCII'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s q -l quiet -d 'Show less: -q only the summary, -qq only errors'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand abort" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand approve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s o -l output -d 'More columns, the records themselves, or only names' -r -f -a "wide\t'A table with more columns'
json\t'The records as one JSON list'
name\t'Names alone'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s w -l watch -d 'Print changes as they come, until Ctrl-C'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s w -l watch -d 'Follow the run to its end' -r -f -a "true\t''
false\t''"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s o -l output -d 'What goes to standard output when it is told' -r -f -a "json\t'As JSON'"
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l allow-host -d 'Let it be posted to, or through, a loopback, link-local or private address; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l cluster-name -d 'What the alert calls the cluster' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s C -l repo -d 'Git repository with the specs [default: the one around the current folder]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l ref -d 'Commit, branch or tag to read' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l path -d 'Read only files below this path of the repository' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s f -l filename -d 'Read this file instead, - for standard input; may be repeated' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l send -d 'Post it'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l allow-dirty -d 'Read a file that differs from its commit as it is, and mark the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand notify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l drain -d 'How long the primary\'s pods keep running after their last traffic' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s C -l repo -d 'Git repository with the specs [default: the one around the current folder]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l ref -d 'Commit, branch or tag to read' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l path -d 'Read only files below this path of the repository' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s f -l filename -d 'Read this file instead, - for standard input; may be repeated' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l provider -d 'Traffic provider of Canaries that name none' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l selector-labels -d 'Labels that may select a target\'s pods, in order of preference' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l ingress-annotations-prefix -d 'Prefix of the annotations that ingress-nginx reads' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l ingress-class -d 'Ingress class of the HTTPProxies of Contour' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l kubeconfig-service-mesh -d 'Path to the kubeconfig of the cluster that the mesh\'s objects are in, if it is another one than the target\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l allow-dirty -d 'Read a file that differs from its commit as it is, and mark the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l no-config-tracking -d 'Do not copy ConfigMaps and Secrets for the primary'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand eject" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -f -a "serve" -d 'Serve a cluster for kubectl on a port of this machine'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and not __fish_seen_subcommand_from serve help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l dir -d 'Folder for the kubeconfig and the Git repository; it must be empty or not exist' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l speed -d 'How many times as fast as life the cluster runs' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l port -d 'Port on 127.0.0.1 [default: a free one]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l seed -d 'Seed of everything that is random in the cluster' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l scenario -d 'What happens once the primary serves, by name or file [default: nothing]' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Serve a cluster for kubectl on a port of this machine'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand sandbox; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -s n -l namespace -d 'Namespace of the canary [default: the context\'s, else default]' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l token -d 'Bearer token for the API server; prefer a kubeconfig, other processes can read arguments' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l as -d 'User to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l certificate-authority -d 'File with the certificates that sign the API server\'s' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l client-certificate -d 'Client certificate for TLS' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l tls-server-name -d 'Name to check the API server\'s certificate against, where it is not the host\'s' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l request-timeout -d 'Time for one request to the API server, such as 30s; 0 is our default, 10s, since no request may wait for ever' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l cache-dir -d 'Folder for what is cached; accepted as kubectl has it, but nothing is cached' -r -F
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -s v -l v -d 'Show requests to the API server: 6 each of them, 7 headers, 8 what is sent, 9 all of it; never credentials' -r
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -l disable-compression -d 'Do not ask the API server for compressed answers'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "promote" -d 'Drive one rollout to its end'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "analyze" -d 'Ask every metric of a canary once'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "abort" -d 'Bring the users back to the old version and end the run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "pause" -d 'Hold the weight where it is'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "resume" -d 'Let a paused run go on'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "approve" -d 'Open the gate that holds a run'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "get" -d 'List the canaries that are or were driven'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "status" -d 'Follow a run from another terminal, and exit with its code'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "notify" -d 'Show an alert of a Canary, or send it'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "eject" -d 'Give a target back, and leave nothing behind'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "sandbox" -d 'Serve an embedded cluster that kubectl can talk to'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "version" -d 'Print the version'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "man" -d 'Print the man page'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and not __fish_seen_subcommand_from promote analyze abort pause resume approve get status notify eject sandbox version completion man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-flagger -n "__fish_kubectl_flagger_using_subcommand help; and __fish_seen_subcommand_from sandbox" -f -a "serve" -d 'Serve a cluster for kubectl on a port of this machine'
