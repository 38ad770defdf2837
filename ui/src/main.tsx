// The start of the page.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { startTheme } from './lib/theme';
import './styles/base.css';
import './styles/fields.css';
import './styles/shell.css';
import './styles/search.css';

startTheme();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
