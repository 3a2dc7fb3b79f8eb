package api

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestDeclinesAreExplained(t *testing.T) {
	for _, c := range []struct {
		said              topics.PSPData
		category, message string
	}{
		{topics.PSPData{DeclineCode: "43", DeclineCategory: "lost_or_stolen"}, "lost_or_stolen", "Your bank declined the payment."},
		{topics.PSPData{DeclineCode: "new", DeclineCategory: "unknown"}, "unknown", "The payment was declined."},
		{topics.PSPData{DeclineCode: topics.DeclineNoRoute}, "refused_by_psp", "The payment could not be accepted."},
		{topics.PSPData{DeclineCode: topics.DeclineNotPerformed}, "processing_error", "Something went wrong. You were not charged."},
		{topics.PSPData{DeclineCode: "51"}, "", ""}, // of before there was a table: whose code it is, nobody said
		{topics.PSPData{DeclineCode: "1", DeclineCategory: "of a later version"}, "", ""},
	} {
		if category, message := explained(&c.said); category != c.category || !strings.HasPrefix(message, c.message) || c.message == "" && message != "" {
			t.Errorf("%+v: %s, %s", c.said, category, message)
		}
	}
}
