package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/evaluate"
	"github.com/weirhq/weir/processors/aml/graph"
	"github.com/weirhq/weir/processors/aml/graph/picture"
	"github.com/weirhq/weir/processors/aml/synthetic"
)

func newAMLCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "aml",
		Short: "Measure monitoring against money laundering",
		Long:  "Measure monitoring against money laundering. docs/aml.md is the manual.",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAMLEvaluateCommand(a))
	return cmd
}

func newAMLEvaluateCommand(a *app) *cobra.Command {
	o := synthetic.Options{}
	var asJSON bool
	var pictures string
	cmd := &cobra.Command{
		Use:   "evaluate",
		Short: "Plant money laundering in made-up traffic, and print how much of it is found",
		Long: `Make up traffic of customers, plant cases of each typology in it, fold it as monitoring does, and print for each typology how
many of its cases were found (recall), and how much of what was found belongs to a case (precision). The same flags give the same
traffic. The figures tell whether patterns work and what they cost; they do not tell what they find in your own traffic.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, err := synthetic.Generate(o)
			if err != nil {
				return usageError{err}
			}
			report, err := evaluate.Run(w, graph.DefaultLimits(), behaviour.DefaultConfig(), time.Now)
			if err != nil {
				return err
			}
			if pictures != "" {
				if err := writePictures(pictures, report); err != nil {
					return err
				}
			}
			if asJSON {
				encoder := json.NewEncoder(a.out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(report)
			}
			return report.Write(a.out)
		},
	}
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "number that the traffic is made from")
	cmd.Flags().IntVar(&o.Customers, "customers", 2000, "customers; at least 110 for each of --plants")
	cmd.Flags().IntVar(&o.Days, "days", 90, "days of traffic")
	cmd.Flags().IntVar(&o.Plants, "plants", 10, "cases of each typology")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&pictures, "pictures", "", "directory to write each finding to, as a page with its picture and as JSON")
	return cmd
}

// pictureCurrency is that of made-up amounts.
const pictureCurrency = "EUR"

func writePictures(dir string, report *evaluate.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, s := range report.Subgraphs() {
		var page bytes.Buffer
		if err := picture.Page(&page, &s, pictureCurrency); err != nil {
			return err
		}
		data, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		name := filepath.Join(dir, fmt.Sprintf("%s-%s", s.Pattern, s.Finding))
		if err := os.WriteFile(name+".html", page.Bytes(), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(name+".json", append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
