package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/topics"
)

// Stages are those at which rules are evaluated, in the order of the manual.
func Stages() []topics.Stage {
	return []topics.Stage{topics.StageBeforeAuthorization, topics.StageAfterAuthorization, topics.StageRefund, topics.StagePayout, topics.StageWallet, topics.StageEvent}
}

// stageSet are stages, one bit for each.
type stageSet uint8

const (
	atBefore stageSet = 1 << iota
	atAfter
	atRefund
	atPayout
	atWallet
	atEvent

	atPayment       = atBefore | atAfter
	atCard          = atBefore | atAfter | atPayout | atEvent // where a card may be known
	atCircumstances = atBefore | atPayout | atEvent           // where a device or an address may be known
	atAll           = atCard | atRefund | atWallet
)

func stageBit(s topics.Stage) stageSet { return 1 << slices.Index(Stages(), s) }

// Stage is the point at which the input is looked at.
func (in *Input) Stage() topics.Stage {
	switch {
	case in.Wallet != nil:
		return topics.StageWallet
	case in.Payout != nil:
		return topics.StagePayout
	case in.Event != nil:
		return topics.StageEvent
	case in.Authorization != nil:
		return topics.StageAfterAuthorization
	case in.Command.Type == topics.CommandRefund:
		return topics.StageRefund
	}
	return topics.StageBeforeAuthorization
}

// assessedWallet tells whether rules are evaluated for a type of wallet command: not for one that only gives back or closes.
func assessedWallet(t topics.WalletCommandType) bool {
	switch t {
	case topics.WalletCredit, topics.WalletDebit, topics.WalletHold, topics.WalletCaptureHold:
		return true
	}
	return false
}

// Decides tells whether the set has rules of a stage for a tenant and a region, be they in the shadow. Where it has none,
// what comes at that stage goes on without a decision; but a create or authorize command is always decided on.
func (s *Set) Decides(stage topics.Stage, tenant, region string) bool {
	for _, at := range s.staged[stage] {
		if s.rules[at].covers(tenant, region) {
			return true
		}
	}
	return stage == topics.StageBeforeAuthorization
}

// Assesses tells whether Evaluate comes to a decision on the input.
func (s *Set) Assesses(in *Input) bool {
	switch stage := in.Stage(); {
	case stage == topics.StageBeforeAuthorization:
		return slices.Contains(commandTypes(stage), string(in.Command.Type))
	case stage == topics.StageWallet && !assessedWallet(in.Wallet.Type),
		stage == topics.StagePayout && in.Payout.Type != topics.PayoutCreate:
		return false
	default:
		return s.Decides(stage, in.tenant(), in.region())
	}
}

// stage reads when the rules of a file are evaluated.
func (s *source) stage(n ast.Node) topics.Stage {
	at, name := placeOf(tokenOf(n)), topics.Stage(s.text(n, "stage"))
	names := make([]string, 0, len(Stages()))
	for _, known := range Stages() {
		names = append(names, string(known))
	}
	switch {
	case name == "":
	case slices.Contains(Stages(), name):
		return name
	default:
		s.fail(at, suggest(string(name), names), "unknown stage %q; it is one of %s", name, strings.Join(names, ", "))
	}
	return topics.StageBeforeAuthorization
}

// commandTypes are those that rules of a stage are evaluated for.
func commandTypes(stage topics.Stage) []string {
	if stage == topics.StageWallet {
		return []string{string(topics.WalletCredit), string(topics.WalletDebit), string(topics.WalletHold), string(topics.WalletCaptureHold)}
	}
	return []string{string(topics.CommandCreate), string(topics.CommandAuthorize), string(topics.CommandIncrement)}
}

// notAt says that a stage does not have a field.
func (f *Field) notAt(stage topics.Stage) (problem, hint string) {
	if f.by != "" {
		return fmt.Sprintf("%s counts by %s, which stage %s does not have", f.Name, f.by, stage), "count by customer.id, or by another field of the stage"
	}
	var at []string
	for _, s := range Stages() {
		if f.at&stageBit(s) != 0 {
			at = append(at, string(s))
		}
	}
	return fmt.Sprintf("stage %s does not have %s", stage, f.Name),
		fmt.Sprintf("it is there at %s; weir rules fields --stage %s lists what there is", strings.Join(at, ", "), stage)
}

// place gives a rule the scope and the stage of its file.
func (d *draft) place(in *document) {
	d.Scope, d.Stage = in.scope, in.stage
	if d.Stage == topics.StageBeforeAuthorization {
		d.onlyWhereUsed()
		return
	}
	d.Commands = nil
	if at, ok := d.at["commands"]; ok {
		hint := "leave it out"
		if d.Stage == topics.StageWallet {
			hint = "leave it out, and write command.type == \"debit\" in the condition"
		}
		d.source.fail(at, hint, "commands is for stage before_authorization, and this file is for stage %s", d.Stage)
	}
	d.stepUp(d.Outcome, d.at["outcome"])
	d.stepUp(d.OnMissing, d.at["on_missing"])
	d.stepUp(d.OnError, d.at["on_error"])
}

// noStepUp are the stages at which nobody can be asked to authenticate.
var noStepUp = []topics.Stage{topics.StageAfterAuthorization, topics.StageRefund, topics.StagePayout, topics.StageWallet}

// stepUp refuses an outcome that the stage has no way to carry out.
func (d *draft) stepUp(o topics.Outcome, at place) {
	if o == topics.OutcomeStepUp && slices.Contains(noStepUp, d.Stage) {
		d.source.fail(at, "write hold, for a reviewer, or block", "at stage %s nobody can be asked to authenticate", d.Stage)
	}
}
