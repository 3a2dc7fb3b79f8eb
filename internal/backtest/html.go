package backtest

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html.tmpl
var reportFiles embed.FS

// page is what the template shows besides the result.
type page struct {
	*Result
	Title string
	Tiles []tile
	Plots map[string]*plot
}

// tile is one figure at the top.
type tile struct{ Label, Value, About string }

// WriteHTML writes the report as one HTML file that needs nothing else.
func (r *Result) WriteHTML(out io.Writer) error {
	t, err := template.New("report.html.tmpl").Funcs(template.FuncMap{
		"count": count, "share": share, "measure": measure, "moment": moment, "by": by, "perFraud": perFraud, "percent": percent,
		"quotient": quotient, "asks": func(rule RuleRow) string { return rule.asks() }, "goods": goods,
		"add": func(a, b float64) float64 { return a + b },
	}).ParseFS(reportFiles, "report.html.tmpl")
	if err != nil {
		return fmt.Errorf("template of the report: %w", err)
	}
	p := page{Result: r, Title: "Backtest of " + r.RuleSet[:8], Tiles: r.tiles(), Plots: map[string]*plot{"days": r.dayPlot(), "rules": r.rulePlot()}}
	if r.Score != nil {
		p.Plots["recall"], p.Plots["roc"], p.Plots["scores"] = r.recallPlot(), r.rocPlot(), r.scorePlot()
	}
	return t.Execute(out, p)
}

func (r *Result) tiles() []tile {
	tiles := []tile{{"attempts measured", count(r.Measured), fmt.Sprintf("%s before are the warm-up", count(r.Warmup.Attempts))}}
	for _, o := range r.Outcomes[:stopping] {
		tiles = append(tiles, tile{string(o.Outcome), share(o.Attempts, r.Measured), count(o.Attempts) + " attempts, " + o.Amounts.String()})
	}
	if r.Labels != nil {
		all := r.Stopped[len(r.Stopped)-1]
		tiles = append(tiles, tile{"precision", measure(all.Precision), "of what " + by(all.By) + " stop"},
			tile{"recall", measure(all.Recall), fmt.Sprintf("%s of %s frauds stopped", count(all.FraudHit), count(all.FraudHit+all.FraudMissed))},
			tile{"lost to fraud", all.Lost.String(), "passed in spite of the rules"})
	}
	if r.Score != nil {
		tiles = append(tiles, tile{"average precision", fmt.Sprintf("%.3f", r.Score.AveragePrecision), "of the score"},
			tile{"ROC AUC", fmt.Sprintf("%.3f", r.Score.AUC), "of the score"})
	}
	if r.Changes != nil {
		tiles = append(tiles, tile{"changed", count(r.Changes.Attempts), share(r.Changes.Attempts, r.Measured) + " of the decisions"})
	}
	return tiles
}
