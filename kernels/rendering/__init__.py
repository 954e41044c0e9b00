"""A report for people: Markdown for a check run, and a drawing. Both are made from the JSON document alone
(`kernels.report`), which is what is stored."""
