package payments_test

import (
	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// addDisputes has the PSP tell of disputes of payments of the mixed traffic, a round after they were made, and people answer
// them a round later. Ids of commands and reports begin at 800,000.
func addDisputes(rounds *[4][]any, partitions int32) {
	n, k := 800_000, 0
	for i := range len(rounds) - 2 {
		for _, value := range rounds[i] {
			c, ok := value.(*topics.AssessedCommand)
			if !ok || c.Command.Type != topics.CommandCreate || c.Command.LinkID != "" {
				continue
			}
			payment := topics.PaymentID{Partition: topics.PartitionOf("acme", c.Command.CustomerID, partitions), UUID: uuid.FromStringOrNil(c.Command.CommandID)}
			tell := func(round int, fact topics.DisputeFact, amount int64) {
				n++
				report := disputed(n, payment.String(), fact, amount)
				report.CustomerID = c.Command.CustomerID
				rounds[round] = append(rounds[round], report)
			}
			switch k++; k % 4 {
			case 0: // contested and won
				tell(i+1, topics.FactOpened, 10000)
				tell(i+1, topics.FactFundsWithdrawn, 10000)
				tell(i+1, topics.FactFee, 1500)
				n++
				rounds[i+2] = append(rounds[i+2], &topics.AssessedDisputeCommand{Command: topics.DisputeCommand{
					CommandID: id(n).String(), Type: topics.DisputeSubmitEvidence, Tenant: "acme", CustomerID: c.Command.CustomerID,
					DisputeID: topics.DisputeIDOf("acme", payment, "sandbox", "dp_1").String(), Evidence: &topics.DisputeEvidence{Text: "It was used."},
				}})
				tell(i+2, topics.FactFundsReinstated, 10000)
				tell(i+2, topics.FactWon, 10000)
			case 1: // of a part, told the wrong way round
				tell(i+1, topics.FactLost, 4000)
				tell(i+1, topics.FactFundsWithdrawn, 4000)
				tell(i+2, topics.FactOpened, 4000)
			case 2: // accepted, and taken a round later
				tell(i+1, topics.FactOpened, 9000)
				n++
				rounds[i+1] = append(rounds[i+1], &topics.AssessedDisputeCommand{Command: topics.DisputeCommand{
					CommandID: id(n).String(), Type: topics.DisputeAccept, Tenant: "acme", CustomerID: c.Command.CustomerID,
					DisputeID: topics.DisputeIDOf("acme", payment, "sandbox", "dp_1").String(),
				}})
				tell(i+2, topics.FactFundsWithdrawn, 9000)
			}
		}
	}
}
