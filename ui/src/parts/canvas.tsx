// A canvas that fills its box, sharp on every screen, painted anew when its box, the theme or the painter changes. What it shows is told by its
// label, and in full by a table or a list near it.
import { useEffect, useRef, type CSSProperties, type DOMAttributes } from 'react';
import { useDark } from '../lib/theme';

export type Painter = (context: CanvasRenderingContext2D, width: number, height: number, dark: boolean) => void;

interface Props extends DOMAttributes<HTMLCanvasElement> {
  paint: Painter;
  label: string;
  className?: string;
  style?: CSSProperties;
}

export function Canvas({ paint, label, className, style, ...events }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  useEffect(() => {
    const element = canvas.current!;
    let frame = 0;
    const draw = () => {
      const { width, height } = element.getBoundingClientRect();
      const ratio = devicePixelRatio || 1;
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (w === 0 || h === 0) return;
      if (element.width !== w || element.height !== h) {
        element.width = w;
        element.height = h;
      }
      const context = element.getContext('2d');
      if (!context) return;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      paint(context, width, height, dark);
    };
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    };
    draw();
    const observer = new ResizeObserver(later);
    observer.observe(element);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [paint, dark]);
  return <canvas ref={canvas} role="img" aria-label={label} className={className} style={style} {...events} />;
}
