package deadletters

import (
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// Reasons why a letter is not written again, for people.
const (
	refusedRequest = "a request to a PSP is never written again: the gateway drops what is not above its high-water mark or, " +
		"after a restart, would perform it anew; the payment asks the PSP by itself what became of it"
	refusedSignal = "what velocity counts has its place in the order of arrival, which is past; a command that waited for an " +
		"answer was decided without it"
	refusedMasked   = "a card number stood in the record and was masked: the original is gone; have it sent again, with a token"
	refusedAnswered = "its author was told that it failed (event dead_lettered, HTTP 500) and may have asked again under another " +
		"command_id; --answered writes it again all the same, once you know that they have not"
	refusedVerified = "it does not say that its signature was verified: it would only be put aside again"
)

// Refusal says why a letter is not written again, "" where it may be. answered is the assurance that nobody who was told
// of a failed command has asked again for what it asked.
//
// What may be written again is recognised as a repeat where anything else brought the same: a command by its
// command_id, a customer event by its event_id, a webhook and its report by the PSP's event id, all for
// topics.DedupHorizon; a PSP's answer by the state of what it answers, and risk's on an authorisation too; a timer by its
// generation. Where several reasons apply, the first in the order below is given.
func (l *Letter) Refusal(now time.Time, answered bool) string {
	_, origins := Topics()
	r := &l.Record
	switch {
	case l.Err != nil:
		return fmt.Sprintf("it is no dead letter: %v", l.Err)
	case !slices.Contains(origins[l.ID.Topic], r.Topic) || r.Partition != l.ID.Partition:
		return fmt.Sprintf("it says that it came from partition %d of %q, whose dead letters do not stand here", r.Partition, r.Topic)
	case r.Topic == topics.PSPRequests:
		return refusedRequest
	case l.ID.Topic == topics.SignalsDeadLetters:
		return refusedSignal
	case r.Masked:
		return refusedMasked
	case r.OmittedBytes > 0 || r.OmittedHeaders > 0:
		return fmt.Sprintf("it was cut short; the whole record is %s, for as long as that topic is kept", l.Origin())
	case l.Successor != ID{}:
		return fmt.Sprintf("it was written again, and put aside again as %s: choose that one", l.Successor)
	}
	switch r.Topic {
	case topics.Commands:
		var c topics.Command
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.WalletCommands:
		var c topics.WalletCommand
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.PayoutCommands:
		var c topics.PayoutCommand
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.DisputeCommands:
		var c topics.DisputeCommand
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.LinkCommands:
		var c topics.LinkCommand
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.CustomerEvents:
		var e topics.CustomerEvent
		return firstReason(l.unreadable(topics.Unmarshal(r.Value, &e)), invalidEvent(&e), l.forgotten(now))
	case topics.Reviews:
		return l.unreadable(topics.Unmarshal(r.Value, new(topics.ReviewRequest)))
	case topics.PSPWebhooks:
		if verified, _ := l.header(topics.HeaderVerified); verified != "true" {
			return refusedVerified
		}
		return l.forgotten(now)
	case topics.Inbox:
		return l.refuseInbox(now, answered)
	}
	return fmt.Sprintf("nothing is known of what a record of %s does that is written twice", r.Topic)
}

// refuseInbox looks at what kind of record it was. The record's author is one of our own roles.
func (l *Letter) refuseInbox(now time.Time, answered bool) string {
	switch kind, _ := l.header(topics.HeaderType); kind {
	case topics.TypeAssessedCommand:
		var c topics.AssessedCommand
		return l.refuseAssessed(topics.Unmarshal(l.Record.Value, &c), unnamed(&c.Command.CommandID, &c.Command.Tenant), now, answered)
	case topics.TypeAssessedWallet:
		var c topics.AssessedWalletCommand
		return l.refuseAssessed(topics.Unmarshal(l.Record.Value, &c), unnamed(&c.Command.CommandID, &c.Command.Tenant), now, answered)
	case topics.TypeAssessedPayout:
		var c topics.AssessedPayoutCommand
		return l.refuseAssessed(topics.Unmarshal(l.Record.Value, &c), unnamed(&c.Command.CommandID, &c.Command.Tenant), now, answered)
	case topics.TypeAssessedDispute:
		var c topics.AssessedDisputeCommand
		return l.refuseAssessed(topics.Unmarshal(l.Record.Value, &c), unnamed(&c.Command.CommandID, &c.Command.Tenant), now, answered)
	case topics.TypeAssessedLink:
		var c topics.AssessedLinkCommand
		return l.refuseAssessed(topics.Unmarshal(l.Record.Value, &c), unnamed(&c.Command.CommandID, &c.Command.Tenant), now, answered)
	case topics.TypeCustomerCommand: // where its author has asked again, the version is another one, and it is refused
		var c topics.CustomerCommand
		return firstReason(l.unreadable(topics.Unmarshal(l.Record.Value, &c)), unnamed(&c.CommandID, &c.Tenant), l.forgotten(now))
	case topics.TypeAssessedCustomerEvent:
		var e topics.AssessedCustomerEvent
		return firstReason(l.unreadable(topics.Unmarshal(l.Record.Value, &e)), invalidEvent(&e.Event), l.forgotten(now))
	case topics.TypePSPReport:
		var report topics.PSPReport
		if why := l.unreadable(topics.Unmarshal(l.Record.Value, &report)); why != "" || report.Source != topics.SourceWebhook {
			return why
		}
		return l.forgotten(now)
	case topics.TypeAssessedAuthorization:
		return l.unreadable(topics.Unmarshal(l.Record.Value, new(topics.AssessedAuthorization)))
	case topics.TypeTimerDue:
		return l.unreadable(topics.Unmarshal(l.Record.Value, new(topics.TimerDue)))
	case topics.TypePeriodClose:
		return l.unreadable(topics.Unmarshal(l.Record.Value, new(topics.PeriodClose)))
	default:
		return fmt.Sprintf("its type %.64q is none of %s: nothing is known of what it does when it is written twice", kind, topics.Inbox)
	}
}

// refuseAssessed: an assessed command was told to fail, so that its author may have asked again.
func (l *Letter) refuseAssessed(err error, unnamed string, now time.Time, answered bool) string {
	if why := firstReason(l.unreadable(err), unnamed, l.forgotten(now)); why != "" || answered {
		return why
	}
	return refusedAnswered
}

func firstReason(reasons ...string) string {
	for _, why := range reasons {
		if why != "" {
			return why
		}
	}
	return ""
}

// unreadable: what this build cannot read is put aside again by this build, and a newer one comes with its own command.
func (l *Letter) unreadable(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("this version cannot read it either, so it would only be put aside again: %v", err)
}

// unnamed: without these two nobody could tell a repeat.
func unnamed(commandID, tenant *string) string {
	if id, err := uuid.FromString(*commandID); err != nil || id.IsNil() || *tenant == "" {
		return "it has no command_id or no tenant, so it would only be put aside again; its producer mends it"
	}
	return ""
}

// invalidEvent: what is wrong with a customer event is a reason to put it aside, where a command is refused.
func invalidEvent(e *topics.CustomerEvent) string {
	if refusal := e.Validate(); refusal != nil {
		return fmt.Sprintf("it is invalid, so it would only be put aside again; its producer mends it: %s", refusal.Detail)
	}
	return ""
}

// forgotten: ids are remembered for the horizon only, and another copy may have been applied since the record was first
// seen.
func (l *Letter) forgotten(now time.Time) string {
	first := l.firstSeen()
	if now.Sub(first) < topics.DedupHorizon {
		return ""
	}
	return fmt.Sprintf("it is from %s, and ids are remembered for %d days: a copy that was applied since would be applied once more",
		first.Format(time.DateOnly), topics.DedupHorizon/(24*time.Hour))
}
