//! The protocol of the lock, played by two drivers.

use super::*;
use crate::canary::holder::Kernel;
use crate::canary::holder::Place;
use crate::canary::holder::Process;
use crate::kubernetes::operation::DeleteOptions;
use crate::kubernetes::testing::Fault;
use crate::kubernetes::testing::Server;
use tokio::time::sleep;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/flagger-driver-podinfo";
const LOOK: Duration = Duration::from_secs(60);

fn holder(user: &str, boot_id: &str) -> Holder {
    Holder {
        run: format!("RUN-{user}"),
        place: Place::Process(Process {
            user: user.to_owned(),
            host: "host".to_owned(),
            pid: 1,
            kernel: Some(Kernel {
                boot_id: boot_id.to_owned(),
                pid_namespace: "1".to_owned(),
                started: 1,
            }),
        }),
    }
}

/// Each on a machine of its own.
fn driver(server: &Server, user: &str) -> KubernetesLease {
    on_machine(server, user, user, |_, _| false)
}

fn on_machine(server: &Server, user: &str, boot_id: &str, is_gone: IsGone) -> KubernetesLease {
    KubernetesLease::new(
        server.requests(),
        "shop",
        "podinfo",
        holder(user, boot_id),
        LeaseTimes::default(),
        is_gone,
    )
}

async fn acquire(lease: &KubernetesLease) -> Result<Acquired, LeaseError> {
    lease.acquire(0, &mut |_| {}).await
}

#[tokio::test(start_paused = true)]
async fn the_first_driver_creates_the_lock_with_epoch_1() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    assert_eq!(acquire(&lease).await, Ok(Acquired::Free));
    assert_eq!(lease.epoch(), Some(1));
    let object = server.object(PATH).unwrap();
    assert_eq!(object["metadata"]["labels"][MANAGED_BY], "flagger-driver");
    assert_eq!(object["spec"]["leaseTransitions"], 1);
    assert_eq!(object["spec"]["leaseDurationSeconds"], 60);
    assert!(
        object["spec"]["renewTime"]
            .as_str()
            .unwrap()
            .ends_with(".000000Z"),
        "{object}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_epoch_is_above_what_is_known_from_elsewhere() {
    let lease = driver(&Server::default(), "alice");
    lease.acquire(41, &mut |_| {}).await.unwrap();
    assert_eq!(lease.epoch(), Some(42));
}

#[tokio::test(start_paused = true)]
async fn a_released_lock_is_taken_at_once_with_the_next_epoch() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    acquire(&alice).await.unwrap();
    alice.release().await.unwrap();
    assert_eq!(alice.epoch(), None);
    assert!(alice.must_stop());
    let object = server.object(PATH).unwrap();
    assert!(object["spec"].get("holderIdentity").is_none());

    let bob = driver(&server, "bob");
    assert_eq!(acquire(&bob).await, Ok(Acquired::Free));
    assert_eq!(bob.epoch(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_makes_the_second_driver_busy_within_one_renewal() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    let bob = driver(&server, "bob");
    acquire(&alice).await.unwrap();
    let living = async {
        loop {
            sleep(alice.due_in()).await;
            alice.renew(LOOK).await.unwrap();
        }
    };
    let start = tokio::time::Instant::now();
    let mut waited_for = Vec::new();
    let mut heard = |held: &Held| waited_for.push(held.holder.clone());
    let refused = tokio::select! {
        () = living => unreachable!(),
        refused = bob.acquire(0, &mut heard) => refused,
    };
    let Err(LeaseError::Busy { held, seen_ago }) = refused else {
        panic!("{refused:?}");
    };
    assert!(held.holder.starts_with("alice@host/1/RUN-alice"));
    assert!(seen_ago <= Duration::from_secs(2), "{seen_ago:?}");
    assert!(
        start.elapsed() <= Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(waited_for.len(), 1);
    assert!(!alice.must_stop());
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_after_one_duration() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    acquire(&alice).await.unwrap();
    let bob = driver(&server, "bob");
    let start = tokio::time::Instant::now();
    let taken = acquire(&bob).await.unwrap();
    assert!(matches!(taken, Acquired::TakenOver { .. }), "{taken:?}");
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(bob.epoch(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_renew_time_in_the_past_or_future_means_nothing() {
    for renewed in ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"] {
        let server = Server::default();
        acquire(&driver(&server, "alice")).await.unwrap();
        let mut object = server.object(PATH).unwrap();
        object["spec"]["renewTime"] = renewed.into();
        server.set(PATH, object);
        let start = tokio::time::Instant::now();
        acquire(&driver(&server, "bob")).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_on_the_same_machine_whose_process_is_gone_is_taken_over_at_once() {
    let server = Server::default();
    acquire(&on_machine(&server, "alice", "same", |_, _| false))
        .await
        .unwrap();
    let bob = on_machine(&server, "bob", "same", |_, _| true);
    let start = tokio::time::Instant::now();
    let taken = acquire(&bob).await.unwrap();
    assert!(matches!(taken, Acquired::TakenOver { .. }), "{taken:?}");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_process_on_another_machine_is_never_judged() {
    let server = Server::default();
    acquire(&on_machine(&server, "alice", "one", |_, _| false))
        .await
        .unwrap();
    let start = tokio::time::Instant::now();
    acquire(&on_machine(&server, "bob", "two", |_, _| true))
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn of_two_drivers_that_wait_for_a_dead_one_exactly_one_wins() {
    let server = Server::default();
    acquire(&driver(&server, "alice")).await.unwrap();
    let bob = driver(&server, "bob");
    let carol = driver(&server, "carol");
    let bob_drives = async {
        let first = acquire(&bob).await;
        while bob.epoch().is_some() {
            sleep(bob.due_in()).await;
            bob.renew(LOOK).await.unwrap();
        }
        first
    };
    let carol_drives = async {
        let first = acquire(&carol).await;
        while carol.epoch().is_some() {
            sleep(carol.due_in()).await;
            carol.renew(LOOK).await.unwrap();
        }
        first
    };
    let loser = tokio::select! {
        loser = bob_drives => loser,
        loser = carol_drives => loser,
    };
    assert!(matches!(loser, Err(LeaseError::Busy { .. })), "{loser:?}");
    assert_eq!(bob.epoch().xor(carol.epoch()), Some(2));
}

#[tokio::test(start_paused = true)]
async fn two_drivers_that_start_together_cannot_both_create_it() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    let bob = driver(&server, "bob");
    let winner = async {
        tokio::select! {
            taken = acquire(&alice) => taken,
            taken = acquire(&bob) => taken,
        }
    };
    winner.await.unwrap();
    assert!(alice.epoch().xor(bob.epoch()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_was_taken_over_learns_it_at_its_next_renewal() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    acquire(&alice).await.unwrap();
    let bob = driver(&server, "bob");
    acquire(&bob).await.unwrap();
    let lost = alice.renew(LOOK).await;
    let Err(LeaseError::Superseded { by, epoch }) = lost else {
        panic!("{lost:?}");
    };
    assert!(by.starts_with("bob@host"));
    assert_eq!(epoch, 2);
    assert_eq!(alice.epoch(), None);
    assert!(alice.must_stop());
    assert_eq!(alice.renew(LOOK).await, Err(LeaseError::NotHeld));
}

#[tokio::test(start_paused = true)]
async fn a_driver_stops_writing_20_seconds_after_its_last_renewal_began() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    acquire(&lease).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    // The answer takes 4 s, which do not count.
    server.fail([Fault::Status(429, Some(4))]);
    lease.renew(LOOK).await.unwrap();
    sleep(Duration::from_secs(15)).await;
    assert!(!lease.must_stop());
    sleep(Duration::from_secs(1)).await;
    assert!(lease.must_stop());
    lease.renew(LOOK).await.unwrap();
    assert!(!lease.must_stop());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_due_every_10_seconds() {
    let lease = driver(&Server::default(), "alice");
    assert_eq!(lease.due_in(), Duration::ZERO);
    acquire(&lease).await.unwrap();
    assert_eq!(lease.due_in(), Duration::from_secs(10));
    sleep(Duration::from_secs(25)).await;
    assert_eq!(lease.due_in(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_says_when_the_driver_looks_next() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    acquire(&lease).await.unwrap();
    lease.renew(Duration::from_secs(75)).await.unwrap();
    let object = server.object(PATH).unwrap();
    assert_eq!(object["metadata"]["annotations"][NEXT_LOOK], "75");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_was_lost_counts() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    acquire(&lease).await.unwrap();
    for fault in [Fault::HangAfter, Fault::ResetAfter] {
        sleep(Duration::from_secs(1)).await;
        server.fail([fault]);
        assert_eq!(lease.renew(LOOK).await, Ok(()));
    }
    assert_eq!(lease.renew(LOOK).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_edit_does_not_cost_the_lock() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    acquire(&lease).await.unwrap();
    let mut object = server.object(PATH).unwrap();
    object["metadata"]["labels"]["team"] = "a".into();
    server.set(PATH, object);
    lease.renew(LOOK).await.unwrap();
    assert_eq!(
        server.object(PATH).unwrap()["metadata"]["labels"]["team"],
        "a"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_created_with_a_lost_answer_is_ours() {
    let server = Server::default();
    server.fail([Fault::None, Fault::HangAfter]);
    let lease = driver(&server, "alice");
    assert_eq!(acquire(&lease).await, Ok(Acquired::Free));
    assert_eq!(lease.epoch(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_lost_the_lock_does_not_release_it() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    acquire(&alice).await.unwrap();
    acquire(&driver(&server, "bob")).await.unwrap();
    let refused = alice.release().await;
    assert!(
        matches!(refused, Err(LeaseError::Superseded { .. })),
        "{refused:?}"
    );
    let object = server.object(PATH).unwrap();
    assert!(
        object["spec"]["holderIdentity"]
            .as_str()
            .unwrap()
            .starts_with("bob")
    );
}

#[tokio::test(start_paused = true)]
async fn anybody_can_look_at_the_lock() {
    let server = Server::default();
    let alice = driver(&server, "alice");
    assert_eq!(alice.observe().await, Ok(None));
    acquire(&alice).await.unwrap();
    let held = driver(&server, "bob").observe().await.unwrap().unwrap();
    assert_eq!(held.epoch, 1);
    assert!(held.renewed.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lock_is_created_again_with_our_epoch() {
    let server = Server::default();
    let lease = driver(&server, "alice");
    lease.acquire(6, &mut |_| {}).await.unwrap();
    server
        .requests()
        .delete(&lease.object, &DeleteOptions::default())
        .await
        .unwrap();
    lease.renew(LOOK).await.unwrap();
    assert_eq!(server.object(PATH).unwrap()["spec"]["leaseTransitions"], 7);
}
