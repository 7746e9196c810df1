namespace SmartLock.Benchmarks;

/// <summary>What one span of heartbeats cost the process that took them in; the host prints it as a line of JSON for the verb.</summary>
/// <param name="CpuMicroseconds">Of the whole process, per heartbeat.</param>
/// <param name="WallMicroseconds">Per heartbeat.</param>
/// <param name="RowsWritten">Per heartbeat: what coalescing left of them.</param>
/// <param name="Batches">Transactions of the span.</param>
/// <param name="AllocatedBytes">Per heartbeat.</param>
/// <param name="MakingMicroseconds">CPU per heartbeat that making and signing it took, before the span.</param>
internal sealed record IngestSpan(
    double CpuMicroseconds,
    double WallMicroseconds,
    double RowsWritten,
    double Batches,
    double AllocatedBytes,
    double MakingMicroseconds)
{
    public const double TargetPerCpuSecond = 100_000;

    /// <summary>Each figure's own median.</summary>
    public static IngestSpan MedianOf(IReadOnlyCollection<IngestSpan> spans)
    {
        double Median(Func<IngestSpan, double> figure) => spans.Select(figure).Order().ElementAt(spans.Count / 2);
        return new IngestSpan(
            Median(s => s.CpuMicroseconds),
            Median(s => s.WallMicroseconds),
            Median(s => s.RowsWritten),
            Median(s => s.Batches),
            Median(s => s.AllocatedBytes),
            Median(s => s.MakingMicroseconds));
    }
}
