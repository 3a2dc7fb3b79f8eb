// Package rules reads rule files, checks them and evaluates them. It is pure: the time is an argument, and nothing but
// Load touches a disk. README.md is the manual for those who write rules; this is for those who call or change the
// package.
//
// # From text to decision
//
//	Load, LoadFS   files                                             load.go
//	Compile        parse.go, testcase.go: YAML to drafts, each value with its place
//	               velocity.go, duration.go: velocity definitions, which are fields to conditions
//	               scorecard.go, cooloff.go: score cards, which are rules with points; cool-offs, which are rules
//	               and the velocity definitions that they read
//	               parselist.go, listfile.go, list.go: lists
//	               ratetable.go, rates.go: rates of exchange; conversion.go: what conditions convert
//	               condition.go: CEL parsed, its names and form checked
//	               lint.go: conditions that cannot be meant
//	               scope.go: tenants and regions, names, what takes whose place, when a rule is in force
//	               stage.go: stages, what is decided on at which, and with which fields
//	               compile.go: what concerns the rules together; types, cost, constants
//	               translate.go: CEL's checked expressions to nodes of a program (program.go, slot.go)
//	Set.Test       testrun.go: the inline tests
//	Set.Evaluate   evaluate.go; machine.go evaluates nodes, lacking.go says what a condition was missing
//
//	Set.Effective, Diff, Format: effective.go, diff.go, format.go, for people
//
// One evaluator serves everything that decides or pretends to: live, Explain, tests, and whatever replays decisions.
//
// # Programs
//
// CEL parses conditions, checks their types and bounds their cost; it does not evaluate them. The set's program holds the
// conditions of all rules as nodes over typed values. Equal expressions are one node, whichever rules write them down, and
// a node is evaluated at most once for a decision; the cheap terms of && and || come first. Evaluating makes no garbage:
// the texts of a decision are made of what the evaluation has left, for the rules that a decision names alone. An
// expression that has no node is a mistake of the rule file; nothing is evaluated in a second way.
//
// # Missing data
//
// A field that is missing, an absent name in payment.metadata, a velocity answer that is not there, amounts in different
// currencies or without a rate and a BIN too short for a list are absent, which CEL calls unknown. As in CEL, what is absent passes through
// every function and comparison, and is dropped only where the rest of && or || decides alone; so a condition is true,
// false, absent or an error, and Evaluate turns the four into hit, miss, missing and error. Refused in conditions are
// has(), which would make missing data false, and != between amounts, because amounts in two currencies neither differ
// nor agree.
//
// # Invariants
//
//   - R1: a rule that blocks or holds never lets a payment pass for want of data or because of an error: Compile refuses
//     a weaker on_missing or on_error. An item of a score card whose data is missing counts as if it were true, where
//     the card does not say otherwise.
//   - R2: the same Set, command, features and now give the same decision.
//   - R3: two sets with the same Hash decide the same.
//   - R4: the work for a command is bounded: rules by maxRules, a condition by maxCost, which CEL's estimate bounds
//     without counting, because conditions have no loops.
//   - R5: a program says of every rule what CEL's own interpreter says, to the names of what is missing and the text of
//     an error (property_test.go).
//
// # Adding a field
//
// Add it to the fields of its kind (field_stage.go, field_circumstances.go, field_found.go), with the stages that have it;
// run the tests with -update for the editors' schema, and add its row to README.md (a test compares). A field of a new type
// needs a kind and a way to be read in slot.go, and nodes in translate.go.
package rules
