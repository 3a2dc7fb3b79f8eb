// Package rules reads rule files, checks them and evaluates them. It is pure: the time is an argument, and nothing but
// Load touches a disk. README.md is the manual for those who write rules; this is for those who call or change the
// package.
//
// # From text to decision
//
//	Load, LoadFS   files                                             load.go
//	Compile        parse.go, testcase.go: YAML to drafts, each value with its place
//	               velocity.go, duration.go: velocity definitions, which are fields to conditions
//	               listfile.go, list.go: lists; money.go: amounts and limits
//	               condition.go: CEL parsed, its names and form checked
//	               compile.go: what concerns the rules together; types, cost, constants; programs
//	Set.Test       testrun.go: the inline tests
//	Set.Evaluate   evaluate.go, activation.go
//
// One evaluator serves everything that decides or pretends to: live, Explain, tests, and whatever replays decisions.
//
// # Missing data
//
// A field that is missing, an absent name in payment.metadata, a velocity answer that is not there, amounts in different currencies and a BIN too
// short for a list are CEL unknowns (missing in money.go makes them). CEL carries an unknown through every function and
// comparison, and drops it only where the rest of && or || decides alone; so a condition is true, false, unknown or an
// error, and Evaluate turns the four into hit, miss, missing and error. Two things of CEL would break this and are
// refused in conditions: != between amounts (it makes unknown true) and has().
//
// # Invariants
//
//   - R1: a rule that blocks or holds never lets a payment pass for want of data or because of an error: Compile refuses
//     a weaker on_missing or on_error.
//   - R2: the same Set, command, features and now give the same decision.
//   - R3: two sets with the same Hash decide the same.
//   - R4: the work for a command is bounded: rules by maxRules, a condition by maxCost, which CEL's estimate bounds
//     without counting, because conditions have no loops.
//
// # Adding a field
//
// Add it to Fields, run the tests with -update for the editors' schema, and add its row to README.md (a test compares).
package rules
