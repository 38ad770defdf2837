//! The rules of the budget, as tables and as a property.

use proptest::prelude::*;

use super::*;

const A: &str = "a/jaeger";
const B: &str = "b/jaeger";

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

/// Everything is for `a`.
fn rules() -> Rules {
    Rules::new(trust::Instances::one(instance(A)))
}

fn holding(admission: &Admission, who: &str, bytes: usize) -> Permit {
    let mut permit = admission.open(instance(who));
    permit.add(bytes).unwrap();
    permit
}

#[test]
fn an_instance_gets_a_quarter_and_others_go_on() {
    let admission = Admission::new(1000, 10, rules());
    let _first = holding(&admission, A, 200);
    let mut second = admission.open(instance(A));
    assert_eq!(second.add(51), Err(Refusal::Share));
    assert_eq!(second.add(50), Ok(()));
    assert_eq!(holding(&admission, B, 250).held(), 250);
}

#[test]
fn whoever_holds_alone_may_exceed_the_budget_and_keeps_others_out() {
    let admission = Admission::new(1000, 10, rules());
    let mut lone = admission.open(instance(A));
    assert_eq!(lone.add(900), Ok(()));
    assert_eq!(lone.set(1500), Ok(()));
    for who in [A, B] {
        let mut other = admission.open(instance(who));
        assert_eq!(other.add(1), Err(Refusal::Process), "{who}");
    }
    drop(lone);
    assert_eq!(admission.open(instance(B)).add(101), Ok(()));
}

#[test]
fn whoever_outgrows_the_budget_beside_others_comes_back_when_they_are_gone() {
    let admission = Admission::new(1000, 10, rules());
    let other = holding(&admission, B, 1);
    let mut giant = holding(&admission, A, 300);
    assert_eq!(giant.set(1500), Err(Refusal::Process));
    assert_eq!((giant.held(), admission.held()), (300, 301));
    drop(other);
    assert_eq!(giant.set(1500), Ok(()));
    drop(giant);
    assert_eq!(admission.held(), 0);
}

#[test]
fn above_three_quarters_the_largest_holder_is_refused_first() {
    let admission = Admission::new(1000, 400, rules());
    let _a = holding(&admission, A, 390);
    let _b = holding(&admission, B, 355);
    let mut more_of_a = admission.open(instance(A));
    assert_eq!(more_of_a.add(6), Err(Refusal::Largest));
    let mut more_of_b = admission.open(instance(B));
    assert_eq!(more_of_b.add(6), Ok(()), "it holds less than the largest");
    assert_eq!(
        admission.open(instance("c/jaeger")).add(6),
        Ok(()),
        "a newcomer is served"
    );
}

#[test]
fn a_permit_gives_back_what_it_holds() {
    let admission = Admission::new(1000, 10, rules());
    let mut permit = holding(&admission, A, 100);
    permit.set(40).unwrap();
    assert_eq!(admission.held(), 40);
    permit.set(60).unwrap();
    assert_eq!(admission.held(), 60);
    drop(permit);
    assert_eq!(admission.held(), 0);
    let shared = admission.shared.held.lock();
    assert!(shared.instances.is_empty());
}

#[test]
fn an_idle_instance_is_shown_to_hold_nothing() {
    let admission = Admission::new(1000, 10, rules());
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register_collector(Box::new(admission.clone()));
    let shows = |who: &str, bytes: usize| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let line = format!(
            "spoor_collector_held_bytes{{namespace=\"{who}\",instance=\"jaeger\"}} {bytes}\n"
        );
        assert!(text.contains(&line), "{line} is not in {text}");
    };
    shows("a", 0);
    let permit = holding(&admission, A, 100);
    shows("a", 100);
    let others = holding(&admission, B, 5);
    shows("b", 5);
    drop((permit, others));
    shows("a", 0);
}

proptest! {
    #[test]
    fn only_a_lone_holder_passes_the_budget_and_what_is_held_adds_up(
        steps in prop::collection::vec((0usize..3, 0usize..1200, any::<bool>()), 1..200)
    ) {
        let admission = Admission::new(1000, 100, rules());
        let mut permits: Vec<Permit> = Vec::new();
        for (who, bytes, close) in steps {
            if close && !permits.is_empty() {
                permits.swap_remove(bytes % permits.len());
            } else {
                let mut permit = admission.open(instance([A, B, "c/d"][who]));
                let before = admission.held();
                match permit.add(bytes) {
                    Ok(()) => permits.push(permit),
                    Err(_) => prop_assert_eq!(admission.held(), before),
                }
            }
            let sum: usize = permits.iter().map(Permit::held).sum();
            prop_assert_eq!(admission.held(), sum);
            let holders = permits.iter().filter(|p| p.held() > 0).count();
            prop_assert!(sum <= 1000 || holders == 1);
        }
        drop(permits);
        prop_assert_eq!(admission.held(), 0);
    }
}
