// Package links decides on payment links: Decide (command or timer → events), Use (what a payment became → events), Evolve
// (event → state), Refuse (whether a payment may begin by a link). It is pure: no I/O and no clock; now is the record's time.
//
// A link is paid by payments that name it when they are created. Each takes one of the link's uses from its beginning: it is
// reserved while the payment may still take money, released when the payment has ended without, and captured with the first
// money that it takes. What a use is, is derived from the payment alone (UseOf), so that it cannot be counted twice. A link and
// its payments are one customer's and meet in one order: of two payers at the same moment one is the first.
//
// Refusals, in the order in which they are given where several apply (a repeated command comes before all of them and yields
// nothing; the caller sees to it):
//
//	invalid, card_number, too_old       the command as it stands
//	unknown_link                        the customer has no such link (not of create)
//	customer_mismatch, region_mismatch  the link is another customer's, or of another region
//	currency_mismatch, invalid          a payment by the link of another currency or amount
//	finished                            the link is paid, cancelled or has expired
//	in_progress                         a payment by the link, all of whose uses are taken by payments that may still take money
//
// K1: reserved + captured ≤ MaxUses, unless a case says otherwise: what a PSP did after a payment had ended is a fact.
// K2: reserved and captured are how many payments that name the link are so.
// K3: the lines of an invoice add up to the amount of its link, which is paid once.
package links
