//! What a customer, and the claim on their address, answer to each command.

use decider::testing::given;
use ordering::{
    Customer, CustomerCommand, CustomerEvent, CustomerId, CustomerRegistered, Email, EmailChanged,
    EmailClaim, EmailClaimCommand, EmailClaimEvent, EmailClaimed, EmailReleased, Rejection,
};

fn email(text: &str) -> Email {
    text.to_owned().try_into().expect("an address")
}

fn ann() -> CustomerRegistered {
    CustomerRegistered {
        name: "Ann".to_owned().try_into().expect("a name"),
        email: email("ann@example.com"),
        reference: None,
    }
}

fn registered() -> CustomerEvent {
    ann().into()
}

fn moved_to(address: &str) -> CustomerEvent {
    EmailChanged { email: email(address) }.into()
}

fn register() -> CustomerCommand {
    CustomerCommand::Register(ann())
}

fn move_to(address: &str) -> CustomerCommand {
    CustomerCommand::ChangeEmail(email(address))
}

/// The address as typed: two that differ in case only are equal.
fn spelling(customer: &Customer) -> &str {
    customer.registered().expect("a customer").email.as_str()
}

#[test]
fn somebody_becomes_a_customer() {
    let customer = given::<Customer>([]).when(register()).then([registered()]);
    assert_eq!(spelling(&customer), "ann@example.com");
}

#[test]
fn another_system_may_have_a_name_for_the_customer() {
    let reference = Some("household 7".to_owned().try_into().unwrap());
    let known_elsewhere = CustomerRegistered { reference, ..ann() };
    given::<Customer>([])
        .when(CustomerCommand::Register(known_elsewhere.clone()))
        .then([known_elsewhere.into()]);
}

#[test]
fn a_customer_registers_once() {
    given::<Customer>([registered()]).when(register()).then_rejected(Rejection::AlreadyRegistered);
}

#[test]
fn nobody_registers_over_another_customer() {
    let bob = CustomerRegistered { email: email("bob@example.com"), ..ann() };
    given::<Customer>([registered()])
        .when(CustomerCommand::Register(bob))
        .then_rejected(Rejection::AlreadyRegistered);
}

#[test]
fn an_address_changes() {
    let customer = given::<Customer>([registered()])
        .when(move_to("ann@example.org"))
        .then([moved_to("ann@example.org")]);
    assert_eq!(spelling(&customer), "ann@example.org");
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
    assert_eq!(spelling(&customer), "Ann@Example.com");
}

#[test]
fn nobody_has_no_address_to_change() {
    given::<Customer>([])
        .when(move_to("ann@example.org"))
        .then_rejected(Rejection::UnknownCustomer);
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
