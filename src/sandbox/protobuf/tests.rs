use super::decode;
use serde_json::json;

/// A part that holds bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    all.extend_from_slice(content);
    all
}

fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), bytes(1, &type_meta), bytes(2, raw)].concat()
}

#[test]
fn a_config_map_is_read() {
    // Go writes fields that hold nothing too: generateName, creationTimestamp.
    let metadata = [bytes(1, b"colors"), bytes(2, b""), bytes(8, b"")].concat();
    let entry = [bytes(1, b"sky"), bytes(2, b"blue")].concat();
    let raw = [bytes(1, &metadata), bytes(2, &entry)].concat();
    assert_eq!(
        decode(&body("v1", "ConfigMap", &raw)).unwrap(),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors"}, "data": {"sky": "blue"}})
    );
}

#[test]
fn bytes_become_base64_and_a_number_of_0_stays_where_it_means_something() {
    let entry = [bytes(1, b"a"), bytes(2, b"\x00\xff")].concat();
    let secret = decode(&body("v1", "Secret", &bytes(2, &entry))).unwrap();
    assert_eq!(secret["data"]["a"], "AP8=");
    let spec = [0x08, 0x00];
    let deployment = decode(&body("apps/v1", "Deployment", &bytes(2, &spec))).unwrap();
    assert_eq!(deployment["spec"]["replicas"], 0);
}

#[test]
fn what_is_not_known_is_refused_and_not_dropped() {
    let refused = |body: &[u8]| decode(body).unwrap_err().code;
    assert_eq!(refused(&body("v1", "PodTemplate", b"")), 415);
    assert_eq!(refused(&body("v1", "ConfigMap", &bytes(9, b"x"))), 415);
    assert_eq!(refused(b"k8s\0\x0a\x7f"), 415, "cut off");
    assert_eq!(refused(b"{}"), 415);
}
