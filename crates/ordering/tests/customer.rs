//! What a customer, and the claim on their address, answer to each command.

use decider::testing::given;
use ordering::{
    Customer, CustomerCommand, CustomerErased, CustomerEvent, CustomerId, CustomerRegistered,
    Email, EmailChanged, EmailClaim, EmailClaimCommand, EmailClaimEvent, EmailClaimed, EmailDigest,
    EmailReleased, NewCustomer, Rejection,
};

fn email(text: &str) -> Email {
    text.to_owned().try_into().expect("an address")
}

fn ann() -> NewCustomer {
    NewCustomer {
        name: "Ann".to_owned().try_into().expect("a name"),
        email: email("ann@example.com"),
        reference: None,
    }
}

fn registered() -> CustomerEvent {
    became(ann())
}

fn became(new: NewCustomer) -> CustomerEvent {
    CustomerRegistered::from(new).into()
}

fn erased() -> CustomerEvent {
    CustomerErased {}.into()
}

fn moved_to(address: &str) -> CustomerEvent {
    EmailChanged::from(email(address)).into()
}

fn register() -> CustomerCommand {
    CustomerCommand::Register(ann())
}

fn move_to(address: &str) -> CustomerCommand {
    CustomerCommand::ChangeEmail(email(address))
}

/// The address as typed: digests of two that differ in case only differ.
fn spelling(customer: &Customer) -> &EmailDigest {
    &customer.registered().expect("a customer").email
}

#[test]
fn somebody_becomes_a_customer() {
    let customer = given::<Customer>([]).when(register()).then([registered()]);
    assert_eq!(*spelling(&customer), email("ann@example.com").digest());
}

#[test]
fn another_system_may_have_a_name_for_the_customer() {
    let reference = Some("household 7".to_owned().try_into().unwrap());
    let known_elsewhere = NewCustomer { reference, ..ann() };
    given::<Customer>([])
        .when(CustomerCommand::Register(known_elsewhere.clone()))
        .then([became(known_elsewhere)]);
}

#[test]
fn a_customer_registers_once() {
    given::<Customer>([registered()]).when(register()).then_rejected(Rejection::AlreadyRegistered);
}

#[test]
fn nobody_registers_over_another_customer() {
    let bob = NewCustomer { email: email("bob@example.com"), ..ann() };
    given::<Customer>([registered()])
        .when(CustomerCommand::Register(bob))
        .then_rejected(Rejection::AlreadyRegistered);
}

#[test]
fn an_address_changes() {
    let customer = given::<Customer>([registered()])
        .when(move_to("ann@example.org"))
        .then([moved_to("ann@example.org")]);
    assert_eq!(*spelling(&customer), email("ann@example.org").digest());
}

#[test]
fn an_address_changes_back() {
    given::<Customer>([registered(), moved_to("ann@example.org")])
        .when(move_to("ann@example.com"))
        .then([moved_to("ann@example.com")]);
}

#[test]
fn moving_to_the_same_address_changes_nothing() {
    given::<Customer>([registered(), moved_to("ann@example.org")])
        .when(move_to("ann@example.org"))
        .then_nothing();
}

#[test]
fn another_spelling_of_the_same_address_is_written_down() {
    let customer = given::<Customer>([registered()])
        .when(move_to("Ann@Example.com"))
        .then([moved_to("Ann@Example.com")]);
    assert_eq!(*spelling(&customer), email("Ann@Example.com").digest());
}

#[test]
fn nobody_has_no_address_to_change() {
    given::<Customer>([])
        .when(move_to("ann@example.org"))
        .then_rejected(Rejection::UnknownCustomer);
}

#[test]
fn a_customer_is_forgotten_once() {
    let customer = given::<Customer>([registered()]).when(CustomerCommand::Erase).then([erased()]);
    assert_eq!(customer, Customer::Erased);
    given::<Customer>([registered(), erased()]).when(CustomerCommand::Erase).then_nothing();
    given::<Customer>([]).when(CustomerCommand::Erase).then_rejected(Rejection::UnknownCustomer);
}

#[test]
fn who_is_forgotten_is_asked_for_nothing_more() {
    for command in [register(), move_to("ann@example.org")] {
        given::<Customer>([registered(), erased()])
            .when(command)
            .then_rejected(Rejection::CustomerErased);
    }
    assert_eq!(Customer::Erased.registered().err(), Some(Rejection::CustomerErased));
}

#[test]
fn the_state_tells_nobody_who_it_is_about() {
    let customer = given::<Customer>([registered()])
        .when(move_to("ann@example.org"))
        .then([moved_to("ann@example.org")]);
    let state = serde_json::to_string(&customer).expect("a state has a JSON form").to_lowercase();
    assert!(!state.contains("ann") && !state.contains("example"), "{state}");
}

#[test]
fn nobody_is_no_customer() {
    assert_eq!(Customer::Unknown.registered().err(), Some(Rejection::UnknownCustomer));
}

mod claim {
    use super::*;

    fn customer(name: &str) -> CustomerId {
        CustomerId::derived(name)
    }

    fn claimed(name: &str) -> EmailClaimEvent {
        EmailClaimed { customer_id: customer(name) }.into()
    }

    fn released() -> EmailClaimEvent {
        EmailReleased {}.into()
    }

    fn claim(name: &str) -> EmailClaimCommand {
        EmailClaimCommand::Claim(customer(name))
    }

    fn release(name: &str) -> EmailClaimCommand {
        EmailClaimCommand::Release(customer(name))
    }

    #[test]
    fn a_free_address_is_taken() {
        let address = given::<EmailClaim>([]).when(claim("ann")).then([claimed("ann")]);
        assert_eq!(address, EmailClaim::Held(customer("ann")));
    }

    #[test]
    fn taking_an_address_twice_changes_nothing() {
        given::<EmailClaim>([claimed("ann")]).when(claim("ann")).then_nothing();
    }

    #[test]
    fn an_address_belongs_to_one_customer() {
        given::<EmailClaim>([claimed("ann")])
            .when(claim("bob"))
            .then_rejected(Rejection::EmailTaken);
    }

    #[test]
    fn an_address_is_claimed_whatever_its_case() {
        let (typed, shouted) = (email("ann@example.com"), email("ANN@EXAMPLE.COM"));
        assert_eq!(typed.claim_stream(), shouted.claim_stream());
    }

    #[test]
    fn an_address_is_claimed_apart_from_every_other() {
        let (ann, bob) = (email("ann@example.com"), email("bob@example.com"));
        assert_ne!(ann.claim_stream(), bob.claim_stream());
    }

    #[test]
    fn a_customer_who_moves_lets_go_of_the_old_address() {
        let address = given::<EmailClaim>([claimed("ann")]).when(release("ann")).then([released()]);
        assert_eq!(address, EmailClaim::Free);
    }

    #[test]
    fn an_address_that_was_let_go_of_is_free_for_another() {
        given::<EmailClaim>([claimed("ann"), released()]).when(claim("bob")).then([claimed("bob")]);
    }

    #[test]
    fn letting_go_twice_changes_nothing() {
        given::<EmailClaim>([claimed("ann"), released()]).when(release("ann")).then_nothing();
    }

    #[test]
    fn nobody_lets_go_of_the_address_of_another() {
        given::<EmailClaim>([claimed("ann")]).when(release("bob")).then_nothing();
    }
}
